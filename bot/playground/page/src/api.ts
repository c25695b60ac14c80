/** The playground's data, and how the page requests it. */

export type Json = Record<string, any>;

export interface User {
  id: string;
  name: string;
  real_name: string;
  title: string;
  is_restricted: boolean;
  is_ultra_restricted: boolean;
  is_stranger: boolean;
  is_bot: boolean;
  deleted: boolean;
}

export interface Channel {
  id: string;
  name: string;
  is_private: boolean;
  is_mpim: boolean;
  is_im: boolean;
  is_ext_shared: boolean;
  is_archived: boolean;
  members: string[];
}

export interface Message {
  channel: string;
  ts: string;
  user: string;
  text: string;
  thread_ts: string;
  subtype: string;
  blocks: Json[];
  edited_ts: string;
  ephemeral_to: string;
  streaming?: boolean;
  chunks?: Json[];
}

export interface View {
  id: string;
  type: string;
  title?: { text: string } | null;
  submit?: { text: string } | null;
  close?: { text: string } | null;
  blocks: Json[];
  state: { values: Record<string, Record<string, Json>> };
}

export interface Seen {
  you: string;
  bot: string;
  team: { id: string; name: string; domain: string };
  users: User[];
  channels: Channel[];
  messages: Record<string, Message[]>;
  home: View | null;
  views: View[];
  statuses: Record<string, string>;
  prompts: Record<string, { title: string; message: string }[]>;
  titles: Record<string, string>;
  /** By channel: the ts up to which this person has seen everything. */
  read: Record<string, string>;
  /** Ken's bot is connected. */
  has_bot: boolean;
  version: number;
}

export interface Documents {
  count: number;
  titles: { title: string; path: string }[];
}

export interface PersonPanel {
  name: string;
  linked: boolean;
  guest: boolean;
  groups: string[];
  documents: Documents;
}

export interface ChannelPanel {
  rule: string;
  people: { user_id: string; linked: boolean; guest: boolean; documents: number }[];
  documents: Documents;
  all_members: number | null;
}

export interface Tour {
  question: string;
  askers: { id: string; why: string }[];
  more: { question: string; as: string; in: string | null; why: string }[];
}

export interface Same {
  question: string;
  asked: {
    user: string;
    channel: string;
    answers: { channel: string; ts: string; text: string; blocks: Json[] }[];
  }[];
}

/** The playground refused something; its message says why. */
export class Refused extends Error {}

export async function get<T>(path: string, query: Record<string, string> = {}, signal?: AbortSignal): Promise<T> {
  return answer<T>(await fetch(`${path}?${new URLSearchParams(query)}`, { signal }));
}

export async function order<T = Json>(name: string, body: Json): Promise<T> {
  return answer<T>(
    await fetch(`/_double/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

async function answer<T>(response: Response): Promise<T> {
  const body = await response.json();
  if (!response.ok) throw new Refused(body.error ?? `The playground answered ${response.status}.`);
  return body;
}

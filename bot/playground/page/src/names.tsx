import { createContext, useContext } from "react";
import type { Channel, Message, Seen, User } from "./api";

/** The workspace as the acting person sees it, for everything below. */
export const SeenContext = createContext<Seen | null>(null);

export function useWorkspace(): Seen {
  return useContext(SeenContext)!;
}

export function userOf(seen: Seen, id: string): User | undefined {
  return seen.users.find((user) => user.id === id);
}

export function nameOf(seen: Seen, id: string): string {
  if (id === "USLACKBOT") return "Slackbot";
  const user = userOf(seen, id);
  return user ? user.real_name || user.name : id;
}

export function isGuest(user: User | undefined): boolean {
  return Boolean(user && (user.is_restricted || user.is_ultra_restricted));
}

/** What a channel is called in a list. */
export function placeName(seen: Seen, channel: Channel): string {
  if (channel.is_im) return "Ken";
  if (!channel.is_mpim) return channel.name;
  return channel.members
    .filter((member) => member !== seen.you)
    .map((member) => nameOf(seen, member).split(" ")[0])
    .join(", ");
}

export function placeLabel(seen: Seen, channel: Channel): string {
  return channel.is_im || channel.is_mpim ? placeName(seen, channel) : `#${channel.name}`;
}

/** Slack's own notes: somebody joined, a channel was renamed or archived, a message is gone. */
export function isNote(message: Message): boolean {
  return /^(channel|group)_/.test(message.subtype) || message.subtype === "tombstone";
}

/** Messages of others since this person last opened the conversation, including replies in threads. */
export function unreadIn(seen: Seen, channel: Channel): Message[] {
  if (!channel.members.includes(seen.you)) return [];
  const read = seen.read[channel.id] ?? "";
  return (seen.messages[channel.id] ?? []).filter(
    (message) => message.user !== seen.you && message.ts > read && !isNote(message),
  );
}

/** The number of unread messages in all conversations but this one. */
export function unreadElsewhere(seen: Seen, looksAt: string): number {
  const others = seen.channels.filter((channel) => channel.id !== looksAt);
  return others.reduce((sum, channel) => sum + unreadIn(seen, channel).length, 0);
}

export function latestIn(seen: Seen, channel: Channel): string {
  return (seen.messages[channel.id] ?? []).reduce((latest, message) => (message.ts > latest ? message.ts : latest), "");
}

export function timeOf(ts: string): string {
  return new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

export function dayOf(ts: string): string {
  const date = new Date(Number(ts) * 1000);
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return "Today";
  today.setDate(today.getDate() - 1);
  if (date.toDateString() === today.toDateString()) return "Yesterday";
  return date.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
}

/** The time, with its day unless that is today. */
export function whenOf(ts: string): string {
  const day = dayOf(ts);
  return day === "Today" ? timeOf(ts) : `${day}, ${timeOf(ts)}`;
}

export function momentOf(ts: string): string {
  return new Date(Number(ts) * 1000).toLocaleString([], { dateStyle: "full", timeStyle: "short" });
}

const COLOURS = ["#7a3e9d", "#1d6fa5", "#1f7a4d", "#a3541a", "#b0305c", "#4b5bb5", "#7a6a10", "#2b7a78"];

export function Avatar({ id, small = false }: { id: string; small?: boolean }) {
  const seen = useWorkspace();
  const name = nameOf(seen, id);
  const initials = name.split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("").toUpperCase();
  let sum = 0;
  for (const letter of id) sum += letter.codePointAt(0)!;
  const colour = id === seen.bot ? "#1d1c1d" : COLOURS[sum % COLOURS.length];
  return (
    <span className={small ? "avatar small" : "avatar"} style={{ background: colour }} aria-hidden="true">
      {id === seen.bot ? "K" : initials}
    </span>
  );
}

export function GuestBadge({ user }: { user: User | undefined }) {
  if (user?.is_stranger) return <span className="badge">other company</span>;
  return isGuest(user) ? <span className="badge">guest</span> : null;
}

/** Drawn, since a machine may have no font with such signs. */
export function PlaceIcon({ channel }: { channel: Channel }) {
  if (channel.is_mpim) {
    return (
      <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="5.5" cy="5" r="2.6" />
        <path d="M.8 13.5c0-3 2-4.8 4.7-4.8s4.7 1.8 4.7 4.8z" />
        <path d="M9.6 2.7a2.6 2.6 0 1 1 1 4.9M11.6 8.9c2.2 0 3.7 1.7 3.7 4.6h-3.2" fill="none" stroke="currentColor" strokeWidth="1.3" />
      </svg>
    );
  }
  if (!channel.is_private) return <span aria-hidden="true">#</span>;
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <rect x="3" y="7" width="10" height="7" rx="1.5" />
      <path d="M5.3 7V4.7a2.7 2.7 0 0 1 5.4 0V7" fill="none" stroke="currentColor" strokeWidth="1.5" />
    </svg>
  );
}

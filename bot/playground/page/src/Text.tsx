import { Fragment, type ReactNode } from "react";
import type { Message, Seen } from "./api";
import { nameOf, useWorkspace } from "./names";

const MARK = /(<[^<>]+>|`[^`\n]+`|\*[^*\n]+\*|_[^_\n]+_)/;

/** A message's text as Slack writes it: mentions, links and three styles; all else is plain. */
export function Text({ text }: { text: string }) {
  return (
    <div className="text">
      {text.split("\n").map((line, number) => (
        <Line key={number} isFirst={number === 0} line={line} />
      ))}
    </div>
  );
}

const QUOTED = /^(&gt;|>) ?/;

function Line({ line, isFirst }: { line: string; isFirst: boolean }) {
  const seen = useWorkspace();
  const parts = line.replace(QUOTED, "").split(MARK).map((part, place) => <Fragment key={place}>{shown(part, seen)}</Fragment>);
  if (QUOTED.test(line)) return <span className="quoted">{parts}</span>;
  return (
    <>
      {!isFirst && <br />}
      {parts}
    </>
  );
}

/** Without marks, for a preview. */
export function plain(text: string, seen: Seen): string {
  const named = text.replace(/<@([A-Z0-9]+)>/g, (_, id) => `@${nameOf(seen, id)}`);
  return decoded(named.replace(/<[^<>|]+\|([^<>]+)>/g, "$1").replace(/^(&gt;|>) ?/gm, ""));
}

/** A message in one line. */
export function preview(message: Message, seen: Seen): string {
  const line = plain(message.text, seen).replace(/\s+/g, " ").trim();
  return line.length > 140 ? `${line.slice(0, 139)}…` : line;
}

/** What somebody types becomes what Slack keeps. */
export function typed(text: string, seen: Seen): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.replace(/@([\p{L}\d._-]+)/gu, (whole, name: string) => {
    const wanted = name.toLowerCase();
    const found = seen.users.find((user) => user.name.toLowerCase() === wanted);
    return found ? `<@${found.id}>` : whole;
  });
}

/** And back, to edit it. */
export function untyped(text: string, seen: Seen): string {
  return decoded(
    text.replace(/<@([A-Z0-9]+)>/g, (whole, id) => {
      const found = seen.users.find((user) => user.id === id);
      return found ? `@${found.id === seen.bot ? "Ken" : found.name}` : whole;
    }),
  );
}

function shown(part: string, seen: Seen): ReactNode {
  const inside = part.slice(1, -1);
  if (part.length < 3) return decoded(part);
  if (part.startsWith("`") && part.endsWith("`")) return <code>{decoded(inside)}</code>;
  if (part.startsWith("*") && part.endsWith("*")) return <strong>{decoded(inside)}</strong>;
  if (part.startsWith("_") && part.endsWith("_")) return <em>{decoded(inside)}</em>;
  if (!(part.startsWith("<") && part.endsWith(">"))) return decoded(part);
  if (inside.startsWith("@")) return <span className="mention">@{nameOf(seen, inside.slice(1).split("|")[0]!)}</span>;
  if (inside.startsWith("#")) {
    const channel = seen.channels.find((one) => one.id === inside.slice(1).split("|")[0]);
    return <span className="mention">#{channel?.name ?? "private-channel"}</span>;
  }
  if (inside.startsWith("!subteam^")) return <span className="mention">@{inside.split("|")[1]?.replace(/^@/, "") ?? "group"}</span>;
  if (inside.startsWith("!")) return <span className="mention">@{inside.slice(1).split(/[|^]/)[0]}</span>;
  const [address = "", label] = inside.split("|");
  return <SafeLink address={decoded(address)}>{decoded(label ?? address)}</SafeLink>;
}

/** Only web addresses lead anywhere. */
export function SafeLink({ address, children }: { address: string; children: ReactNode }) {
  if (!isWebAddress(address)) return <>{children}</>;
  return (
    <a href={address} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}

export function isWebAddress(address: string): boolean {
  return /^https?:\/\//i.test(address);
}

function decoded(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

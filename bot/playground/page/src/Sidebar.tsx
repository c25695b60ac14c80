import { useEffect, useRef, useState } from "react";
import type { Channel, User } from "./api";
import { Avatar, GuestBadge, nameOf, PlaceIcon, placeName, unreadIn, userOf, useWorkspace } from "./names";
import { usePage } from "./page";

interface Props {
  place: string;
  go: (channelId: string) => void;
  actAs: (userId: string) => void;
  help: () => void;
}

const isChannel = (channel: Channel) => !channel.is_im && !channel.is_mpim;
const isGroup = (channel: Channel) => channel.is_mpim;
const isDirect = (channel: Channel) => channel.is_im;

/** In the order of the list, from top to bottom. */
export function inOrder(channels: Channel[]): Channel[] {
  const sorted = [...channels].sort((one, other) => one.name.localeCompare(other.name));
  return [isDirect, isChannel, isGroup].flatMap((kind) => sorted.filter(kind));
}

export function Sidebar({ place, go, actAs, help }: Props) {
  const seen = useWorkspace();
  const { theme, toggleTheme, isPhone, looksAt, showSidebar } = usePage();
  const sorted = inOrder(seen.channels);
  const unread = (channel: Channel) => (channel.id === looksAt ? 0 : unreadIn(seen, channel).length);
  const row = (channel: Channel) => (
    <li key={channel.id}>
      <button
        type="button"
        className={channel.members.includes(seen.you) ? "row" : "row outside"}
        data-unread={unread(channel) > 0 || undefined}
        aria-current={channel.id === place ? "page" : undefined}
        onClick={() => go(channel.id)}
      >
        <span aria-hidden="true">{channel.is_im ? <Avatar id={seen.bot} small /> : <PlaceIcon channel={channel} />}</span>
        <span className="row-name">{placeName(seen, channel)}</span>
        {channel.is_private && !channel.is_mpim && <span className="unseen">private</span>}
        {channel.is_archived && <span className="badge">archived</span>}
        {channel.is_ext_shared && <span className="badge">shared</span>}
        {channel.is_im && <span className="badge">app</span>}
        {unread(channel) > 0 && (
          <span className="count">
            {unread(channel)}
            <span className="unseen"> unread</span>
          </span>
        )}
      </button>
    </li>
  );
  return (
    <nav className="sidebar" aria-label="Workspace">
      <div className="workspace">
        <span className="workspace-name" title={seen.team.name}>{seen.team.name}</span>
        <button type="button" className="square" aria-label="Shortcuts" title="Shortcuts" onClick={help}>
          ?
        </button>
        <button type="button" className="square" aria-label="Dark colours" title="Dark colours" aria-pressed={theme === "dark"} onClick={toggleTheme}>
          <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
            <circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" strokeWidth="1.4" />
            <path d="M8 1.7a6.3 6.3 0 0 1 0 12.6z" />
          </svg>
        </button>
        {isPhone && (
          <button type="button" className="square" aria-label="Close the list" onClick={() => showSidebar(false)}>
            ✕
          </button>
        )}
      </div>
      <div className="places" tabIndex={-1}>
        <Section title="Apps">{sorted.filter(isDirect).map(row)}</Section>
        <Section title="Channels">
          {sorted.filter(isChannel).map(row)}
          {!sorted.some(isChannel) && <li className="quiet none">There is no channel that you can open.</li>}
        </Section>
        {sorted.some(isGroup) && <Section title="Group messages">{sorted.filter(isGroup).map(row)}</Section>}
      </div>
      <ActAs actAs={actAs} />
    </nav>
  );
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section>
      <h2>{title}</h2>
      <ul>{children}</ul>
    </section>
  );
}

/** Who the person at the keyboard is, in this Slack. */
function ActAs({ actAs }: { actAs: (userId: string) => void }) {
  const seen = useWorkspace();
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState("");
  const within = useRef<HTMLDivElement>(null);
  const current = useRef<HTMLButtonElement>(null);
  const you = userOf(seen, seen.you)!;

  useEffect(() => {
    if (!open) return;
    setWanted("");
    const outside = (event: Event) => {
      if (!within.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("mousedown", outside);
    return () => document.removeEventListener("mousedown", outside);
  }, [open]);

  const matches = (user: User) => `${user.real_name} ${user.name} ${user.title}`.toLowerCase().includes(wanted.toLowerCase());
  const people = seen.users.filter((user) => !user.is_bot && !user.deleted && !user.is_stranger && matches(user));
  const choose = (user: User) => {
    setOpen(false);
    actAs(user.id);
  };
  return (
    <div
      className="act-as"
      ref={within}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault(); // the drawer around it stays
        setOpen(false);
        current.current?.focus();
      }}
    >
      {open && (
        <div className="picker" role="dialog" aria-label="Act as">
          <input
            autoFocus
            aria-label="Find somebody"
            placeholder="Find somebody"
            value={wanted}
            onChange={(event) => setWanted(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && people[0]) choose(people[0]);
            }}
          />
          <ul>
            {people.map((user) => (
              <li key={user.id}>
                <button type="button" aria-pressed={user.id === seen.you} onClick={() => choose(user)}>
                  <Who id={user.id} />
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
      <button type="button" ref={current} className="current" aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className="act-as-label">Act as</span>
        <Who id={you.id} />
      </button>
    </div>
  );
}

export function Who({ id }: { id: string }) {
  const seen = useWorkspace();
  const user = userOf(seen, id);
  return (
    <span className="who">
      <Avatar id={id} />
      <span className="who-text">
        <span className="who-name">
          {nameOf(seen, id)} <GuestBadge user={user} />
        </span>
        <span className="quiet">{user?.title}</span>
      </span>
    </span>
  );
}

import { useEffect, useRef, useState } from "react";
import type { Channel, User } from "./api";
import { Avatar, GuestBadge, nameOf, PlaceIcon, placeName, userOf, useWorkspace } from "./names";

interface Props {
  place: string;
  go: (channelId: string) => void;
  actAs: (userId: string) => void;
}

export function Sidebar({ place, go, actAs }: Props) {
  const seen = useWorkspace();
  const sorted = [...seen.channels].sort((one, other) => one.name.localeCompare(other.name));
  const channels = sorted.filter((channel) => !channel.is_im && !channel.is_mpim);
  const groups = sorted.filter((channel) => channel.is_mpim);
  const direct = sorted.filter((channel) => channel.is_im && channel.members.includes(seen.bot));
  const row = (channel: Channel) => (
    <li key={channel.id}>
      <button
        type="button"
        className={channel.members.includes(seen.you) ? "row" : "row outside"}
        aria-current={channel.id === place ? "page" : undefined}
        onClick={() => go(channel.id)}
      >
        <span aria-hidden="true">{channel.is_im ? <Avatar id={seen.bot} small /> : <PlaceIcon channel={channel} />}</span>
        <span className="row-name">{placeName(seen, channel)}</span>
        {channel.is_private && !channel.is_mpim && <span className="unseen">private</span>}
        {channel.is_archived && <span className="badge">archived</span>}
        {channel.is_ext_shared && <span className="badge">shared</span>}
        {channel.is_im && <span className="badge">app</span>}
      </button>
    </li>
  );
  return (
    <nav className="sidebar" aria-label="Workspace">
      <div className="workspace">{seen.team.name}</div>
      <div className="places">
        <Section title="Channels">{channels.map(row)}</Section>
        <Section title="Apps">{direct.map(row)}</Section>
        {groups.length > 0 && <Section title="Group messages">{groups.map(row)}</Section>}
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
        if (event.key === "Escape") setOpen(false);
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
      <button type="button" className="current" aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
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

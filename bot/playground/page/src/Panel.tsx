import { useEffect, useState } from "react";
import {
  type Channel,
  type ChannelPanel,
  type Documents,
  get,
  type Json,
  order,
  type PersonPanel,
  Refused,
  type Same,
  type Seen,
  type Tour,
} from "./api";
import { GuestBadge, isGuest, nameOf, placeLabel, userOf, useWorkspace } from "./names";
import { Who } from "./Sidebar";
import { plain } from "./Text";

interface Props {
  channel: Channel | undefined;
  tour: Tour | null;
  ask: (question: string, name: string, place: string | null) => void;
  act: (what: Promise<Json>) => void;
  close: () => void;
}

/** For the person at the keyboard: who reads here, what they may read, and why answers differ. */
export function Panel({ channel, tour, ask, act, close }: Props) {
  const seen = useWorkspace();
  const person = usePanel<PersonPanel>("person", { user: seen.you });
  const because = JSON.stringify([channel, channel?.members.map((id) => userOf(seen, id))]);
  const wanted = channel && !channel.is_im && !channel.is_archived && channel.members.includes(seen.bot);
  const here = usePanel<ChannelPanel>("channel", wanted ? { user: seen.you, channel: channel.id } : null, because);
  return (
    <aside className="panel" aria-label="People and permissions">
      <header className="place">
        <h2>People and permissions</h2>
        <span className="spread" />
        <button type="button" className="close-panel" aria-label="Close the panel" onClick={close}>
          ✕
        </button>
      </header>
      <div className="panel-body">
        {tour && tour.askers.length > 0 && <Try tour={tour} ask={ask} />}
        {channel && <Readers channel={channel} loaded={here} person={person.value} act={act} />}
        <You loaded={person} />
        <SameQuestions />
        <p className="quiet">This panel belongs to the playground. It does not exist in Slack.</p>
      </div>
    </aside>
  );
}

interface Loaded<T> {
  value: T | null;
  error: string;
}

function usePanel<T>(name: string, query: Record<string, string> | null, because = ""): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: null, error: "" });
  const key = JSON.stringify(query);
  useEffect(() => {
    setLoaded({ value: null, error: "" });
    if (!query) return;
    const gone = new AbortController();
    get<T>(`/_page/${name}`, query, gone.signal)
      .then((answer) => setLoaded({ value: answer, error: "" }))
      .catch((error) => {
        if (gone.signal.aborted) return;
        setLoaded({ value: null, error: error instanceof Refused ? error.message : "The playground is not responding." });
      });
    return () => gone.abort();
  }, [name, key, because]);
  return loaded;
}

function Try({ tour, ask }: { tour: Tour; ask: Props["ask"] }) {
  const seen = useWorkspace();
  const [open, setOpen] = useState(false);
  const taken: Props["ask"] = (...wanted) => {
    setOpen(false);
    ask(...wanted);
  };
  const chip = (question: string, name: string, place: string | null, why: string) => (
    <button type="button" className="chip" key={`${name} ${place} ${question}`} title={why} onClick={() => taken(question, name, place)}>
      {place ? `${first(name)} in ${placeCalled(place)}` : first(name)}
    </button>
  );
  const first = (name: string) => {
    const user = seen.users.find((one) => one.name === name);
    return user ? (user.real_name || user.name).split(" ")[0] : name;
  };
  const placeCalled = (name: string) => (name.startsWith("mpdm-") ? "a group" : `#${name}`);
  const more = [...new Set(tour.more.map((one) => one.question))];
  return (
    <section aria-label="Try">
      <h3>Try</h3>
      <p className="question">“{tour.question}”</p>
      <p className="chips">
        <span className="quiet">as</span> {tour.askers.map((one) => chip(tour.question, one.id, null, one.why))}
      </p>
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>More to try</summary>
        {more.map((question) => (
          <div key={question}>
            <p className="question">“{question}”</p>
            {tour.more
              .filter((one) => one.question === question)
              .map((one) => (
                <p key={one.as + one.in}>
                  {chip(one.question, one.as, one.in, one.why)} <span className="quiet">{one.why}</span>
                </p>
              ))}
          </div>
        ))}
      </details>
    </section>
  );
}

function You({ loaded }: { loaded: Loaded<PersonPanel> }) {
  const seen = useWorkspace();
  const { value: person, error } = loaded;
  return (
    <section aria-label="You">
      <h3>You act as</h3>
      <Who id={seen.you} />
      {!person && !error && <p className="quiet">Looking up what you may read…</p>}
      {error && <p className="notice">{error}</p>}
      {person && !person.linked && (
        <p>This account is not linked to anyone in the directory, so it may read only what is open to everybody on the internet.</p>
      )}
      {person?.guest && <p>You are a guest: documents for all members are not open to guests.</p>}
      {person && person.groups.length > 0 && (
        <p className="chips">
          <span className="quiet">Groups:</span>{" "}
          {person.groups.map((group) => (
            <span className="tag" key={group}>
              {group}
            </span>
          ))}
        </p>
      )}
      {person && <DocumentList documents={person.documents} label="that you may read" />}
    </section>
  );
}

function Readers(props: { channel: Channel; loaded: Loaded<ChannelPanel>; person: PersonPanel | null; act: Props["act"] }) {
  const { channel, person, act } = props;
  const { value: panel, error } = props.loaded;
  const seen = useWorkspace();
  if (channel.is_im) {
    return (
      <section aria-label="Who reads here">
        <h3>Who reads here</h3>
        <p>Only you and Ken: an answer here may use everything that you may read.</p>
      </section>
    );
  }
  const people = channel.members.filter((member) => !userOf(seen, member)?.is_bot);
  const others = seen.users.filter((user) => !user.is_bot && !user.deleted && !channel.members.includes(user.id));
  const asked = channel.members.includes(seen.bot) && !channel.is_archived;
  const countOf = (id: string) => panel?.people.find((one) => one.user_id === id)?.documents;
  return (
    <section aria-label="Who reads here">
      <h3>Who reads {channel.is_mpim ? "this group" : placeLabel(seen, channel)}</h3>
      {!channel.members.includes(seen.bot) && <p>Ken is not a member here, so it reads no messages here.</p>}
      {panel && <p>{ruleIn(panel, placeLabel(seen, channel))}</p>}
      {error && person && <p className="notice">{error}</p>}
      {asked && !panel && !error && <p className="quiet">Looking up who may read what…</p>}
      {panel && panel.documents.count > 0 && <DocumentList documents={panel.documents} label="that all of them may read" />}
      {panel && panel.rule !== "shared" && panel.documents.count === 0 && <p>There is no document that all of them may read, so Ken has nothing to answer from here.</p>}
      <ul className="why">
        {reasons(seen, people, panel, person).map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
      <details>
        <summary>{people.length === 1 ? "1 person is here" : `${people.length} people are here`}</summary>
        <ul className="people">
          {people.map((id) => (
            <li key={id}>
              <span>
                {nameOf(seen, id)} <GuestBadge user={userOf(seen, id)} />
              </span>
              {countOf(id) !== undefined && <span className="quiet">reads {countOf(id)}</span>}
              {!channel.is_mpim && (
                <button type="button" aria-label={`Remove ${nameOf(seen, id)}`} onClick={() => act(order("leave", { channel: channel.id, user: id }))}>
                  ✕
                </button>
              )}
            </li>
          ))}
        </ul>
        {!channel.is_mpim && !channel.is_archived && others.length > 0 && (
          <select
            aria-label="Add somebody to this channel"
            value=""
            onChange={(event) => act(order("join", { channel: channel.id, user: event.target.value }))}
          >
            <option value="">Add somebody…</option>
            {others.map((user) => (
              <option key={user.id} value={user.id}>
                {user.real_name || user.name}
                {isGuest(user) ? " (guest)" : ""}
              </option>
            ))}
          </select>
        )}
      </details>
      {!channel.is_mpim && <Changes channel={channel} act={act} />}
    </section>
  );
}

/** Changes to a channel that also change who reads the answers in it. */
function Changes({ channel, act }: { channel: Channel; act: Props["act"] }) {
  const seen = useWorkspace();
  const place = { channel: channel.id, user: seen.you };
  const offered: [string, string][] = channel.is_archived
    ? [["unarchive", "Unarchive"]]
    : [
        ["convert", channel.is_private ? "Make it public" : "Make it private"],
        channel.is_ext_shared ? ["unshare", "Stop sharing"] : ["share", "Share with another company"],
        ["archive", "Archive"],
      ];
  return (
    <details>
      <summary>Change this channel</summary>
      <p className="chips">
        {offered.map(([name, words]) => (
          <button type="button" className="chip" key={name} onClick={() => act(order(name, place))}>
            {words}
          </button>
        ))}
      </p>
    </details>
  );
}

function ruleIn(panel: ChannelPanel, place: string): string {
  switch (panel.rule) {
    case "public":
      return `Everyone in the company may join ${place}. An answer here uses only what all members, and every guest here, may read. Anything more that you may read comes in a direct message.`;
    case "private":
      return "Only the people here see answers here. An answer uses only what every one of them may read. Anything more that you may read comes in a direct message.";
    case "shared":
      return "People from another company can read here, so Ken does not answer here. It writes to you directly.";
    case "empty":
      return "Nobody is here.";
    case "unlisted":
      return "Ken cannot list who is here, so an answer uses only what everybody on the internet may read.";
    default:
      return "Many accounts here are not linked to anyone in the directory, so an answer uses only what everybody on the internet may read.";
  }
}

/** Why an answer here says less than one to the acting person alone. */
function reasons(seen: Seen, people: string[], panel: ChannelPanel | null, person: PersonPanel | null): string[] {
  const first = (id: string) => nameOf(seen, id).split(" ")[0];
  const guest = (id: string) => isGuest(userOf(seen, id));
  const found = [
    ...people.filter(guest).map((id) => `${first(id)} is a guest, so answers here leave out what guests may not read.`),
    ...people
      .filter((id) => userOf(seen, id)?.is_stranger)
      .map((id) => `${first(id)} is from another company, so Ken does not answer here.`),
  ];
  if (!panel || !person) return found;
  const mine = person.documents.count;
  for (const one of panel.people) {
    if (!one.linked) found.push(`${nameOf(seen, one.user_id)}'s account is not linked, so it may read only what is open to everybody.`);
  }
  if (panel.all_members !== null && panel.all_members < mine) {
    found.push(`You may read ${counted(mine)}; every member may read ${panel.all_members}.`);
  }
  if (panel.rule !== "private") return found;
  const lost = mine - panel.documents.count;
  if (lost > 0) found.push(`Somebody here may not read ${lost} of the ${counted(mine)} that you may read.`);
  const fewer = panel.people
    .filter((one) => one.user_id !== seen.you && one.linked && !guest(one.user_id) && one.documents < mine)
    .sort((one, other) => one.documents - other.documents);
  for (const one of fewer.slice(0, 2)) {
    found.push(`${first(one.user_id)} may read ${counted(one.documents)}; you may read ${mine}.`);
  }
  return found;
}

function counted(count: number): string {
  return count === 1 ? "1 document" : `${count} documents`;
}

function DocumentList({ documents, label }: { documents: Documents; label: string }) {
  if (documents.count === 0) return <p>There is no document {label}.</p>;
  return (
    <details>
      <summary>
        <strong>{counted(documents.count)}</strong> {label}
      </summary>
      <ul className="documents">
        {documents.titles.map((one) => (
          <li key={one.path} title={one.path}>
            {one.title || one.path}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The answers to a question that several people asked. Only the playground shows this. */
function SameQuestions() {
  const seen = useWorkspace();
  const [same, setSame] = useState<Same[]>([]);
  useEffect(() => {
    const gone = new AbortController();
    get<{ questions: Same[] }>("/_page/same", {}, gone.signal)
      .then((answer) => setSame(answer.questions))
      .catch(() => undefined);
    return () => gone.abort();
  }, [seen.version]);
  if (same.length === 0) return null;
  return (
    <section aria-label="Same question, different answers">
      <h3>Same question, different answers</h3>
      {same.map((one) => (
        <div key={one.question} className="same">
          <p className="question">“{plain(one.question, seen)}”</p>
          {one.asked.map((asked) => (
            <div key={asked.user + asked.channel} className="asker">
              <strong>{nameOf(seen, asked.user)}</strong>{" "}
              <span className="quiet">{asked.channel.startsWith("D") ? "directly" : `in ${channelCalled(asked.channel)}`}</span>
              {asked.answers.length === 0 && <p className="quiet">No answer yet.</p>}
              {asked.answers.map((answer) => (
                <p key={answer.ts} className="answer">
                  {answer.channel !== asked.channel && <span className="quiet">In a direct message: </span>}
                  {plain(answer.text, seen)}
                </p>
              ))}
            </div>
          ))}
        </div>
      ))}
    </section>
  );

  function channelCalled(id: string): string {
    const channel = seen.channels.find((one) => one.id === id);
    return channel ? placeLabel(seen, channel) : "a channel";
  }
}

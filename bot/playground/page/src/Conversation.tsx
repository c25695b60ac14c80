import { Fragment, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { type Channel, type Json, type Message, order } from "./api";
import { Composer } from "./Composer";
import { MessageView } from "./MessageView";
import { dayOf, isGuest, nameOf, PlaceIcon, placeLabel, placeName, unreadIn, userOf, useWorkspace } from "./names";
import { Bar, usePage } from "./page";

interface Props {
  channel: Channel;
  act: (what: Promise<Json>) => void;
  openThread: (ts: string) => void;
  hasThread: boolean;
  tabs?: ReactNode;
}

export function Conversation({ channel, act, openThread, hasThread, tabs }: Props) {
  const seen = useWorkspace();
  const { isPhone } = usePage();
  const all = seen.messages[channel.id] ?? [];
  const shown = all.filter((message) => !message.thread_ts || message.subtype === "thread_broadcast");
  const isMember = channel.members.includes(seen.you);
  const hasKen = channel.members.includes(seen.bot);
  const prompts = seen.prompts[channel.id] ?? [];
  const place = { channel: channel.id };
  const [fresh] = useState(() => new Set(unreadIn(seen, channel).map((message) => message.ts)));
  const [opened, setOpened] = useState<string[]>([]);
  const firstFresh = shown.find((message) => fresh.has(message.ts));

  function enter(ts: string) {
    setOpened((before) => [...before, ts]);
    openThread(ts);
  }

  function sent(ts: string, text: string) {
    if (channel.is_im || /@ken\b/i.test(text)) openThread(ts);
  }

  function suggest(text: string) {
    const posted = order("say", { ...place, user: seen.you, text });
    act(posted);
    posted.then(({ ts }) => sent(ts, text)).catch(() => undefined);
  }

  return (
    <section className="conversation" aria-label={placeLabel(seen, channel)}>
      <Bar>
        <h1>
          {!channel.is_im && <PlaceIcon channel={channel} />} {placeName(seen, channel)}
        </h1>
        {tabs}
        <span className="spread" />
        {!channel.is_im && !channel.is_archived && !hasKen && isMember && (
          <button type="button" onClick={() => act(order("join", { ...place, user: seen.bot }))}>
            Add Ken
          </button>
        )}
        {!channel.is_im && !channel.is_mpim && !channel.is_archived && (
          <button
            type="button"
            onClick={() => act(order(isMember ? "leave" : "join", { ...place, user: seen.you }))}
          >
            {isMember ? "Leave" : "Join"}
          </button>
        )}
      </Bar>
      <MessageList messages={all}>
        {shown.length === 0 && <Beginning channel={channel} />}
        {shown.map((message, number) => (
          <Fragment key={message.ts + message.ephemeral_to}>
            {dayOf(message.ts) !== dayOf(shown[number - 1]?.ts ?? "0") && (
              <div className="day" role="separator">
                {dayOf(message.ts)}
              </div>
            )}
            {message === firstFresh && (
              <div className="day fresh" role="separator">
                New
              </div>
            )}
            <MessageView
              message={message}
              replies={all.filter((reply) => reply.thread_ts === message.ts)}
              hasNews={!opened.includes(message.ts) && all.some((one) => one.thread_ts === message.ts && fresh.has(one.ts))}
              openThread={enter}
              act={act}
            />
          </Fragment>
        ))}
        <Status place={`${channel.id}/`} act={act} />
      </MessageList>
      {prompts.length > 0 && !hasThread && !(isPhone && shown.length > 0) && (
        <div className="prompts" role="group" aria-label="Suggestions from Ken">
          {prompts.map((prompt) => (
            <button type="button" key={prompt.title} onClick={() => suggest(prompt.message)}>
              {prompt.title}
            </button>
          ))}
        </div>
      )}
      {isMember && !channel.is_archived ? (
        <Composer channel={channel} act={act} sent={sent} />
      ) : (
        <p className="notice">
          {channel.is_archived ? "This channel is archived." : `You are not in ${placeLabel(seen, channel)}. Join to write.`}
        </p>
      )}
    </section>
  );
}

/** A root and its replies. */
export function Thread({ channel, ts, act, close }: { channel: Channel; ts: string; act: Props["act"]; close: () => void }) {
  const seen = useWorkspace();
  const { isPhone } = usePage();
  const section = useRef<HTMLElement>(null);
  const all = seen.messages[channel.id] ?? [];
  const root = all.find((message) => message.ts === ts);
  const replies = all.filter((message) => message.thread_ts === ts);
  const before = useRef<Element | null>(null);
  useLayoutEffect(() => {
    before.current = document.activeElement;
  }, []);
  useEffect(() => {
    if (isPhone) section.current?.focus();
    return () => before.current instanceof HTMLElement && before.current.isConnected ? before.current.focus() : undefined;
  }, []);
  if (!root) return null;
  return (
    <section
      className="thread"
      ref={section}
      tabIndex={-1}
      aria-label="Thread"
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <Bar isThread>
        {isPhone ? <h1>Thread</h1> : <h2>Thread</h2>}
        <span className="quiet">{seen.titles[`${channel.id}/${ts}`] ?? placeLabel(seen, channel)}</span>
        <span className="spread" />
        <button type="button" aria-label="Close the thread" onClick={close}>
          ✕
        </button>
      </Bar>
      <MessageList messages={[root, ...replies]}>
        <MessageView message={root} act={act} />
        {replies.length > 0 && (
          <div className="day" role="separator">
            {replies.length === 1 ? "1 reply" : `${replies.length} replies`}
          </div>
        )}
        {replies.map((message) => (
          <MessageView key={message.ts + message.ephemeral_to} message={message} act={act} />
        ))}
        <Status place={`${channel.id}/${ts}`} act={act} />
      </MessageList>
      {channel.members.includes(seen.you) && !channel.is_archived && (
        <Composer key={ts} channel={channel} thread={ts} act={act} />
      )}
    </section>
  );
}

/** Follows new messages, unless the reader has scrolled up; then a button leads to them. */
function MessageList({ messages, children }: { messages: Message[]; children: ReactNode }) {
  const seen = useWorkspace();
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [below, setBelow] = useState(false);
  const size = JSON.stringify(messages).length;
  const ownLatest = messages.filter((message) => message.user === seen.you).at(-1)?.ts;

  function toEnd() {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }
  useLayoutEffect(() => {
    if (atEnd.current) toEnd();
    else setBelow(true);
  }, [messages.length, size]);
  useLayoutEffect(toEnd, [ownLatest]);
  useEffect(() => {
    const resized = new ResizeObserver(() => atEnd.current && toEnd());
    resized.observe(list.current!);
    return () => resized.disconnect();
  }, []);

  function scrolled() {
    const place = list.current!;
    atEnd.current = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
    if (atEnd.current) setBelow(false);
  }
  return (
    <div className="messages-frame">
      <div className="messages" ref={list} role="log" aria-live="polite" tabIndex={0} aria-label="Messages" onScroll={scrolled}>
        {children}
      </div>
      {below && (
        <button type="button" className="to-end" onClick={toEnd}>
          New messages below
        </button>
      )}
    </div>
  );
}

const LONG_S = 30;

function Status({ place, act }: { place: string; act: Props["act"] }) {
  const seen = useWorkspace();
  const current = Object.entries(seen.statuses).find(([at, status]) => status && at.startsWith(place));
  const [isLong, setIsLong] = useState(false);
  useEffect(() => {
    setIsLong(false);
    const timer = setTimeout(() => setIsLong(true), LONG_S * 1000);
    return () => clearTimeout(timer);
  }, [current?.[0], current?.[1]]);
  if (!current) return null;
  const [at, status] = current;
  const [channel, thread_ts] = at.split("/");
  return (
    <p className="status" role="status">
      {/^ken\b/i.test(status) ? status : `Ken ${status}`}
      <button type="button" onClick={() => act(order("stop", { user: seen.you, channel, thread_ts }))}>
        Stop
      </button>
      {isLong && (
        <span className="slow">
          No progress for {LONG_S} seconds. The question is stored. Run <code>ken status</code> to see whether the worker is running.
        </span>
      )}
    </p>
  );
}

function Beginning({ channel }: { channel: Channel }) {
  const seen = useWorkspace();
  const others = channel.members.filter((member) => member !== seen.you);
  if (channel.is_im) {
    return <p className="beginning">Ask Ken a question. It answers from the documents that you may read, and cites them.</p>;
  }
  return (
    <p className="beginning">
      No messages yet. {channel.members.includes(seen.bot) && "Mention @Ken to ask it something; everybody here will see the answer. "}
      {others.length > 0 && "Also here: "}
      {others.map((id, number) => (
        <Fragment key={id}>
          {number > 0 && ", "}
          {nameOf(seen, id)}
          {isGuest(userOf(seen, id)) && " (guest)"}
        </Fragment>
      ))}
    </p>
  );
}

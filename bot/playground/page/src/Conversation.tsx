import { Fragment, type ReactNode, useEffect, useRef } from "react";
import { type Channel, type Json, type Message, order } from "./api";
import { Composer } from "./Composer";
import { MessageView } from "./MessageView";
import { dayOf, isGuest, nameOf, PlaceIcon, placeLabel, placeName, userOf, useWorkspace } from "./names";

export interface Draft {
  text: string;
  /** Rises with every suggestion, so that the same one can be taken twice. */
  number: number;
}

interface Props {
  channel: Channel;
  draft: Draft;
  act: (what: Promise<Json>) => void;
  openThread: (ts: string) => void;
  suggest: (text: string) => void;
  hasThread: boolean;
  tabs?: ReactNode;
}

export function Conversation({ channel, draft, act, openThread, suggest, hasThread, tabs }: Props) {
  const seen = useWorkspace();
  const all = seen.messages[channel.id] ?? [];
  const shown = all.filter((message) => !message.thread_ts || message.subtype === "thread_broadcast");
  const isMember = channel.members.includes(seen.you);
  const hasKen = channel.members.includes(seen.bot);
  const prompts = seen.prompts[channel.id] ?? [];
  const place = { channel: channel.id };

  function sent(ts: string, text: string) {
    if (channel.is_im || /@ken\b/i.test(text)) openThread(ts);
  }

  return (
    <section className="conversation" aria-label={placeLabel(seen, channel)}>
      <header className="place">
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
      </header>
      <MessageList messages={shown} lines={all.length}>
        {shown.length === 0 && <Beginning channel={channel} />}
        {shown.map((message, number) => (
          <Fragment key={message.ts + message.ephemeral_to}>
            {dayOf(message.ts) !== dayOf(shown[number - 1]?.ts ?? "0") && (
              <div className="day" role="separator">
                {dayOf(message.ts)}
              </div>
            )}
            <MessageView
              message={message}
              replies={all.filter((reply) => reply.thread_ts === message.ts)}
              openThread={openThread}
              act={act}
            />
          </Fragment>
        ))}
        <Status place={`${channel.id}/`} act={act} />
      </MessageList>
      {prompts.length > 0 && !hasThread && (
        <div className="prompts" role="group" aria-label="Suggestions of Ken">
          {prompts.map((prompt) => (
            <button type="button" key={prompt.title} onClick={() => suggest(prompt.message)}>
              {prompt.title}
            </button>
          ))}
        </div>
      )}
      {isMember && !channel.is_archived ? (
        <Composer key={`${channel.id} ${draft.number}`} channel={channel} draft={draft.text} act={act} sent={sent} />
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
  const all = seen.messages[channel.id] ?? [];
  const root = all.find((message) => message.ts === ts);
  const replies = all.filter((message) => message.thread_ts === ts);
  if (!root) return null;
  return (
    <section
      className="thread"
      aria-label="Thread"
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <header className="place">
        <h2>Thread</h2>
        <span className="quiet">{seen.titles[`${channel.id}/${ts}`] ?? placeLabel(seen, channel)}</span>
        <span className="spread" />
        <button type="button" aria-label="Close the thread" onClick={close}>
          ✕
        </button>
      </header>
      <MessageList messages={[root, ...replies]} lines={replies.length}>
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

/** Stays at its end when something is added there. */
function MessageList({ messages, lines, children }: { messages: Message[]; lines: number; children: ReactNode }) {
  const list = useRef<HTMLDivElement>(null);
  const size = JSON.stringify(messages).length;
  useEffect(() => {
    const place = list.current;
    if (place) place.scrollTop = place.scrollHeight;
  }, [messages.length, lines, size]);
  return (
    <div className="messages" ref={list} role="log" aria-live="polite" tabIndex={0} aria-label="Messages">
      {children}
    </div>
  );
}

function Status({ place, act }: { place: string; act: Props["act"] }) {
  const seen = useWorkspace();
  const told = Object.entries(seen.statuses).find(([at, status]) => status && at.startsWith(place));
  if (!told) return null;
  const [at, status] = told;
  const [channel, thread_ts] = at.split("/");
  return (
    <p className="status" role="status">
      {/^ken\b/i.test(status) ? status : `Ken ${status}`}
      <button type="button" onClick={() => act(order("stop", { user: seen.you, channel, thread_ts }))}>
        Stop
      </button>
    </p>
  );
}

function Beginning({ channel }: { channel: Channel }) {
  const seen = useWorkspace();
  const others = channel.members.filter((member) => member !== seen.you);
  if (channel.is_im) {
    return <p className="beginning">Ask Ken anything. It answers from the documents that you may read, and names them.</p>;
  }
  return (
    <p className="beginning">
      Nothing was said here yet. Also here:{" "}
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

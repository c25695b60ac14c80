import { useState } from "react";
import { type Json, type Message, order } from "./api";
import { Blocks, chunkBlocks } from "./Blocks";
import { Avatar, GuestBadge, nameOf, timeOf, userOf, useWorkspace } from "./names";
import { Text, typed, untyped } from "./Text";

interface Props {
  message: Message;
  replies?: Message[];
  openThread?: (ts: string) => void;
  act: (what: Promise<Json>) => void;
}

export function MessageView({ message, replies = [], openThread, act }: Props) {
  const seen = useWorkspace();
  const [editing, setEditing] = useState(false);
  const place = { channel: message.channel, ts: message.ts };
  const isTold = ["channel_join", "channel_leave", "tombstone"].includes(message.subtype);
  const latest = replies.at(-1);
  const name = nameOf(seen, message.user);

  return (
    <article className="message" aria-label={`${name}, ${timeOf(message.ts)}`} data-ts={message.ts}>
      <Avatar id={message.user} />
      <div className="body">
        <header>
          <strong className="author">{name}</strong>
          {message.user === seen.bot && <span className="badge">app</span>}
          <GuestBadge user={userOf(seen, message.user)} />
          <time>{timeOf(message.ts)}</time>
          {message.ephemeral_to && <span className="quiet">Only visible to you</span>}
        </header>
        {editing ? (
          <Editor
            text={untyped(message.text, seen)}
            done={(text) => {
              setEditing(false);
              if (text !== null) act(order("edit", { ...place, text: typed(text, seen) }));
            }}
          />
        ) : (
          <Content message={message} act={act} />
        )}
        {message.edited_ts && message.user !== seen.bot && <span className="quiet">(edited)</span>}
        {latest && openThread && (
          <button type="button" className="replies" onClick={() => openThread(message.ts)}>
            <span className="faces">
              {[...new Set(replies.map((reply) => reply.user))].slice(0, 3).map((id) => (
                <Avatar key={id} id={id} small />
              ))}
            </span>
            {replies.length === 1 ? "1 reply" : `${replies.length} replies`}
            <span className="quiet">Last one {timeOf(latest.ts)}</span>
          </button>
        )}
      </div>
      {!isTold && !editing && (
        <div className="tools" role="toolbar" aria-label="What to do with this message">
          {openThread && !message.ephemeral_to && (
            <button type="button" onClick={() => openThread(message.ts)}>
              Reply in thread
            </button>
          )}
          <button
            type="button"
            onClick={() => act(order("shortcut", { ...place, user: seen.you, callback_id: "ken_ask_about" }))}
          >
            Ask Ken about this
          </button>
          {message.user === seen.you && (
            <>
              <button type="button" onClick={() => setEditing(true)}>
                Edit
              </button>
              <button type="button" onClick={() => act(order("delete", place))}>
                Delete
              </button>
            </>
          )}
        </div>
      )}
    </article>
  );
}

function Content({ message, act }: { message: Message; act: Props["act"] }) {
  const seen = useWorkspace();
  const streamed = message.chunks?.length ? chunkBlocks(message.chunks) : [];
  const blocks = message.blocks?.length ? message.blocks : streamed;
  const fromApp = userOf(seen, message.user)?.is_bot;
  if (!fromApp || blocks.length === 0) return <Text text={message.text} />;
  return (
    <Blocks
      blocks={blocks}
      press={(action_id, chosen) =>
        act(order("press", { user: seen.you, channel: message.channel, ts: message.ts, action_id, ...chosen }))
      }
    />
  );
}

function Editor({ text, done }: { text: string; done: (text: string | null) => void }) {
  const [now, setNow] = useState(text);
  return (
    <div className="editor">
      <textarea
        aria-label="Edit your message"
        value={now}
        autoFocus
        onChange={(event) => setNow(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") done(null);
          if (event.key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            done(now.trim() || null);
          }
        }}
      />
      <button type="button" onClick={() => done(null)}>
        Cancel
      </button>
      <button type="button" className="primary" onClick={() => done(now.trim() || null)}>
        Save
      </button>
    </div>
  );
}

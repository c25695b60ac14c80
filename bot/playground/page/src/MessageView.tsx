import { useState } from "react";
import { type Json, type Message, order } from "./api";
import { Blocks, chunkBlocks } from "./Blocks";
import { Menu } from "./Inputs";
import { Avatar, GuestBadge, isNote, momentOf, nameOf, timeOf, userOf, useWorkspace, whenOf } from "./names";
import { usePage } from "./page";
import { Text, typed, untyped } from "./Text";

interface Props {
  message: Message;
  replies?: Message[];
  /** Some replies were unread when the conversation was opened. */
  hasNews?: boolean;
  openThread?: (ts: string) => void;
  act: (what: Promise<Json>) => void;
}

export function MessageView({ message, replies = [], hasNews = false, openThread, act }: Props) {
  const seen = useWorkspace();
  const { isPhone, confirmFirst } = usePage();
  const [editing, setEditing] = useState(false);
  const place = { channel: message.channel, ts: message.ts };
  const latest = replies.at(-1);
  const name = nameOf(seen, message.user);
  const askAbout = { ...place, user: seen.you, callback_id: "ken_ask_about" };
  const tools = [
    ...(openThread && !message.ephemeral_to ? [{ words: "Reply in thread", does: () => openThread(message.ts) }] : []),
    { words: "Ask Ken about this", does: () => act(order("shortcut", askAbout)) },
    ...(message.user === seen.you
      ? [
          { words: "Edit", does: () => setEditing(true) },
          { words: "Delete", does: () => confirmFirst(DELETE, () => act(order("delete", place))) },
        ]
      : []),
  ];

  return (
    <article className="message" aria-label={`${name}, ${timeOf(message.ts)}`} data-ts={message.ts}>
      <Avatar id={message.user} />
      <div className="body">
        <header>
          <strong className="author">{name}</strong>
          {message.user === seen.bot && <span className="badge">app</span>}
          <GuestBadge user={userOf(seen, message.user)} />
          <time dateTime={new Date(Number(message.ts) * 1000).toISOString()} title={momentOf(message.ts)}>
            {openThread ? timeOf(message.ts) : whenOf(message.ts)}
          </time>
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
            {hasNews && <span className="count">new</span>}
            <span className="quiet">Last one {whenOf(latest.ts)}</span>
          </button>
        )}
      </div>
      {!isNote(message) && !editing && isPhone && (
        <Menu
          label={`Actions for the message from ${name}`}
          options={tools.map(({ words }) => ({ text: { text: words }, value: words }))}
          choose={(option) => tools.find(({ words }) => words === option.value)?.does()}
        />
      )}
      {!isNote(message) && !editing && !isPhone && (
        <div className="tools" role="toolbar" aria-label="Actions for this message">
          {tools.map(({ words, does }) => (
            <button type="button" key={words} onClick={does}>
              {words}
            </button>
          ))}
        </div>
      )}
    </article>
  );
}

const DELETE = {
  title: { text: "Delete message" },
  text: { text: "Delete this message? This cannot be undone." },
  confirm: { text: "Delete" },
  deny: { text: "Cancel" },
  style: "danger",
};

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

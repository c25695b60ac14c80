import { useEffect, useRef, useState } from "react";
import { type Channel, type Json, order } from "./api";
import { placeLabel, useWorkspace } from "./names";
import { typed } from "./Text";

interface Props {
  channel: Channel;
  thread?: string;
  /** Put there by a suggestion, to be sent or changed. */
  draft?: string;
  act: (what: Promise<Json>) => void;
  sent?: (ts: string, text: string) => void;
}

/** Enter sends, Shift and Enter makes a line. */
export function Composer({ channel, thread = "", draft = "", act, sent }: Props) {
  const seen = useWorkspace();
  const [text, setText] = useState(draft);
  const box = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    setText(draft);
    if (draft) box.current?.focus();
  }, [draft]);

  function send() {
    const wanted = text.trim();
    if (!wanted) return;
    setText("");
    const place = { channel: channel.id, user: seen.you };
    const command = /^\/ken(?:\s+([\s\S]*))?$/.exec(wanted);
    if (command) {
      act(order("command", { ...place, text: command[1] ?? "" }));
      return;
    }
    const what = order("say", { ...place, text: typed(wanted, seen), thread_ts: thread });
    act(what);
    what.then((said) => sent?.(said.ts, wanted)).catch(() => setText(wanted));
  }

  function mention() {
    setText((before) => `${before}${before && !before.endsWith(" ") ? " " : ""}@Ken `);
    box.current?.focus();
  }

  const where = thread ? "Reply…" : `Message ${placeLabel(seen, channel)}`;
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={box}
        rows={Math.min(6, text.split("\n").length + 1)}
        value={text}
        aria-label={where}
        placeholder={where}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            send();
          }
        }}
      />
      <div className="composer-bar">
        {!channel.is_im && (
          <button type="button" onClick={mention}>
            @Ken
          </button>
        )}
        <span className="quiet">Enter to send{thread ? "" : ", /ken for commands"}</span>
        <button type="submit" className="primary" disabled={!text.trim()}>
          Send
        </button>
      </div>
    </form>
  );
}

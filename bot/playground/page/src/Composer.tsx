import { useEffect, useRef, useState } from "react";
import { type Channel, type Json, order } from "./api";
import { placeLabel, useWorkspace } from "./names";
import { usePage } from "./page";
import { typed } from "./Text";

interface Props {
  channel: Channel;
  thread?: string;
  act: (what: Promise<Json>) => void;
  sent?: (ts: string, text: string) => void;
}

/** Enter sends, Shift Enter starts a new line. Unsent text is kept for each person and conversation. */
export function Composer({ channel, thread = "", act, sent }: Props) {
  const seen = useWorkspace();
  const { isPhone } = usePage();
  const draft = `ken.draft ${seen.you} ${channel.id} ${thread}`;
  const [text, setText] = useState(() => sessionStorage.getItem(draft) ?? "");
  const box = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    if (text) sessionStorage.setItem(draft, text);
    else sessionStorage.removeItem(draft);
  }, [draft, text]);
  useEffect(() => {
    box.current?.setSelectionRange(text.length, text.length);
    if (!isPhone) box.current?.focus(); // on a phone its keyboard would cover the messages
  }, []);

  function send() {
    const wanted = text.trim();
    if (!wanted) return;
    setText("");
    const place = { channel: channel.id, user: seen.you };
    const command = /^\/ken(?:\s+([\s\S]*))?$/.exec(wanted);
    const what = command
      ? order("command", { ...place, text: command[1] ?? "" })
      : order("say", { ...place, text: typed(wanted, seen), thread_ts: thread });
    act(what);
    what
      .then((result) => {
        if (result.failed) setText((now) => now || wanted);
        else if (!command) sent?.(result.ts, wanted);
      })
      .catch(() => setText((now) => now || wanted));
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
        <span className="quiet">Shift Enter for a new line{thread ? "" : ", /ken for commands"}</span>
        <button type="submit" className="primary" disabled={!text.trim()}>
          Send
        </button>
      </div>
    </form>
  );
}

import { useEffect, useRef } from "react";
import type { Channel } from "./api";
import { Dialog } from "./Dialog";
import { inOrder } from "./Sidebar";

const KEYS = [
  ["Alt ↑, Alt ↓", "Previous or next conversation"],
  ["Enter", "Send"],
  ["Shift Enter", "Start a new line"],
  ["Escape", "Close a thread, a menu, a dialog"],
  ["Tab", "Move between messages and their actions"],
  ["?", "Show this list"],
] as const;

interface Wanted {
  channels: Channel[];
  place: string;
  go: (channelId: string) => void;
  help: () => void;
}

/** Shortcuts of the whole page. They are off while a dialog is open, and `?` also while somebody types. */
export function useKeys(wanted: Wanted) {
  const latest = useRef(wanted);
  latest.current = wanted;
  useEffect(() => {
    function pressed(event: KeyboardEvent) {
      if (document.querySelector("dialog[open]")) return;
      const { channels, place, go, help } = latest.current;
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (step && event.altKey) {
        const places = inOrder(channels);
        const next = places[places.findIndex((one) => one.id === place) + step];
        if (next) go(next.id);
      } else if (event.key === "?" && !isTyping(event.target)) help();
      else return;
      event.preventDefault();
    }
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches("input, textarea, select");
}

export function Keys({ close }: { close: () => void }) {
  return (
    <Dialog label="Shortcuts" className="confirm" close={close} light>
      <header>
        <h2>Shortcuts</h2>
      </header>
      <dl className="dialog-body keys">
        {KEYS.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <footer>
        <button type="button" onClick={close}>
          Close
        </button>
      </footer>
    </Dialog>
  );
}

import { type ReactNode, useLayoutEffect, useRef } from "react";
import type { Json } from "./api";
import { Text } from "./Text";

interface Props {
  label: string;
  className?: string;
  close: () => void;
  /** A click outside closes it. */
  light?: boolean;
  children: ReactNode;
}

/** What gets the focus; otherwise the browser focuses the first button. */
const FIRST = ".row[aria-current], .dialog-body :is(input, textarea, select)";

/** A native modal dialog: the browser traps the focus, returns it afterwards, and closes it on Escape. */
export function Dialog({ label, className, close, light, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    shown?.querySelector<HTMLElement>(FIRST)?.focus();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={className}
      aria-label={label}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return;
        event.preventDefault(); // `close` removes it
        close();
      }}
      onClose={(event) => {
        if (event.target === event.currentTarget && !event.currentTarget.open) close();
      }}
      onClick={(event) => light && event.target === event.currentTarget && close()}
      onKeyDown={(event) => event.key === "Escape" && event.stopPropagation()}
    >
      {children}
    </dialog>
  );
}

export interface Confirmation {
  /** Slack's confirm object. */
  confirm: Json;
  yes: () => void;
}

/** Slack's confirmation dialog. The focus starts on the answer that changes nothing. */
export function Confirm({ confirmation: { confirm, yes }, close }: { confirmation: Confirmation; close: () => void }) {
  const title: string = confirm.title?.text ?? "Are you sure?";
  return (
    <Dialog label={title} className="confirm" close={close} light>
      <header>
        <h2>{title}</h2>
      </header>
      <div className="dialog-body">
        <Text text={confirm.text?.text ?? ""} />
      </div>
      <footer>
        <button type="button" onClick={close}>
          {confirm.deny?.text ?? "Cancel"}
        </button>
        <button
          type="button"
          className={confirm.style === "danger" ? "danger" : "primary"}
          onClick={() => {
            close();
            yes();
          }}
        >
          {confirm.confirm?.text ?? "Yes"}
        </button>
      </footer>
    </Dialog>
  );
}

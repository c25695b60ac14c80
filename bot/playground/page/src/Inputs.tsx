import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { Json } from "./api";
import { placeLabel, useWorkspace } from "./names";

/** As Slack's `state.values`: by block, by action. */
export type Values = Record<string, Record<string, Json>>;

interface FieldProps {
  element: Json;
  label: string;
  state: Json | undefined;
  change: (state: Json) => void;
  id?: string;
  describedBy?: string;
}

export function LabelledInput(props: {
  block: Json;
  state: Json | undefined;
  error: string | undefined;
  change: (state: Json) => void;
}) {
  const { block, error } = props;
  const id = useId();
  const grouped = ["radio_buttons", "checkboxes"].includes(block.element.type);
  return (
    <div className="input-block">
      <label htmlFor={grouped ? undefined : id}>
        {block.label.text}
        {block.optional && <span className="quiet"> (optional)</span>}
      </label>
      <Field
        element={block.element}
        label={block.label.text}
        state={props.state}
        change={props.change}
        id={id}
        describedBy={error ? `${id}-error` : undefined}
      />
      {block.hint && <p className="quiet">{block.hint.text}</p>}
      {error && (
        <p className="error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

export function Field({ element, label, state, change, id, describedBy }: FieldProps) {
  const type: string = element.type;
  const common = { id, "aria-label": id ? undefined : label, "aria-describedby": describedBy };
  const options: Json[] = [
    ...(element.options ?? []),
    ...(element.option_groups ?? []).flatMap((group: Json) => group.options),
  ];
  const find = (value: string) => options.find((option) => option.value === value) ?? null;

  if (type === "static_select" || type === "external_select") {
    const chosen = state?.selected_option?.value ?? element.initial_option?.value ?? "";
    return (
      <select {...common} value={chosen} onChange={(e) => change({ type, selected_option: find(e.target.value) })}>
        <option value="" disabled>
          {element.placeholder?.text ?? "Choose"}
        </option>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text.text}
          </option>
        ))}
      </select>
    );
  }
  if (IDS[type]) return <IdSelect {...{ element, label, state, change, common }} />;
  if (type === "radio_buttons" || type === "checkboxes" || type === "multi_static_select") {
    return <Choices {...{ element, label, state, change, options }} />;
  }
  const moment = MOMENTS[type];
  if (moment) {
    return (
      <input
        {...common}
        type={moment.input}
        value={moment.shown(state?.[`selected_${moment.name}`] ?? element[`initial_${moment.name}`] ?? "")}
        onChange={(e) => change({ type, [`selected_${moment.name}`]: moment.meant(e.target.value) })}
      />
    );
  }
  const text = {
    ...common,
    value: state?.value ?? element.initial_value ?? "",
    placeholder: element.placeholder?.text,
    maxLength: element.max_length,
  };
  if (element.multiline) return <textarea {...text} rows={4} onChange={(e) => change({ type, value: e.target.value })} />;
  const kind = { number_input: "number", email_text_input: "email", url_text_input: "url" }[type] ?? "text";
  return <input {...text} type={kind} onChange={(e) => change({ type, value: e.target.value })} />;
}

interface Moment {
  name: string;
  input: string;
  shown: (value: any) => string;
  meant: (typed: string) => string | number;
}

const asIs = { shown: String, meant: String };
const MOMENTS: Record<string, Moment> = {
  datepicker: { name: "date", input: "date", ...asIs },
  timepicker: { name: "time", input: "time", ...asIs },
  datetimepicker: { name: "date_time", input: "datetime-local", shown: localOf, meant: (typed) => Date.parse(typed) / 1000 },
};

/** Slack's seconds since 1970 as the value of a datetime-local input. */
function localOf(seconds: number | ""): string {
  if (!seconds) return "";
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Menus of people or conversations; the choice is an id. */
const IDS: Record<string, "user" | "conversation" | "channel"> = {
  users_select: "user",
  conversations_select: "conversation",
  channels_select: "channel",
  multi_users_select: "user",
  multi_conversations_select: "conversation",
  multi_channels_select: "channel",
};

function IdSelect(props: { element: Json; label: string; state: Json | undefined; change: (state: Json) => void; common: Json }) {
  const seen = useWorkspace();
  const { element, label, state, change, common } = props;
  const kind = IDS[element.type]!;
  const people = seen.users
    .filter((user) => !user.deleted && !user.is_bot)
    .map((user) => ({ value: user.id, text: { text: user.real_name || user.name } }));
  const places = seen.channels
    .filter((channel) => kind === "conversation" || !(channel.is_im || channel.is_mpim))
    .map((channel) => ({ value: channel.id, text: { text: placeLabel(seen, channel) } }));
  const options = kind === "user" ? people : places;
  if (element.type.startsWith("multi_")) {
    const name = `selected_${kind}s`;
    const chosen: string[] = state?.[name] ?? element[`initial_${kind}s`] ?? [];
    const ticked = { selected_options: options.filter((one) => chosen.includes(one.value)) };
    const tick = (next: Json) => change({ type: element.type, [name]: next.selected_options.map((one: Json) => one.value) });
    return <Choices element={{ type: "checkboxes" }} state={ticked} change={tick} {...{ label, options }} />;
  }
  return (
    <select
      {...common}
      value={state?.[`selected_${kind}`] ?? element[`initial_${kind}`] ?? ""}
      onChange={(e) => change({ type: element.type, [`selected_${kind}`]: e.target.value })}
    >
      <option value="" disabled>
        {element.placeholder?.text ?? "Choose"}
      </option>
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.text.text}
        </option>
      ))}
    </select>
  );
}

function Choices(props: {
  element: Json;
  label: string;
  state: Json | undefined;
  change: (state: Json) => void;
  options: Json[];
}) {
  const { element, state, change, options } = props;
  const name = useId();
  const single = element.type === "radio_buttons";
  const chosen: string[] = single
    ? [state?.selected_option?.value ?? element.initial_option?.value]
    : (state?.selected_options ?? element.initial_options ?? []).map((option: Json) => option.value);

  function choose(option: Json, checked: boolean) {
    if (single) return change({ type: element.type, selected_option: option });
    const kept = options.filter((one) => (one === option ? checked : chosen.includes(one.value)));
    change({ type: element.type, selected_options: kept });
  }

  return (
    <fieldset className="choices">
      <legend className="unseen">{props.label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type={single ? "radio" : "checkbox"}
            name={name}
            checked={chosen.includes(option.value)}
            onChange={(e) => choose(option, e.target.checked)}
          />
          {option.text.text}
        </label>
      ))}
    </fieldset>
  );
}

/** Three dots that open a list of things to do. */
export function Menu({ label, options, choose }: { label: string; options: Json[]; choose: (option: Json) => void }) {
  const [open, setOpen] = useState(false);
  const [side, setSide] = useState("");
  const within = useRef<HTMLDivElement>(null);

  function toggle() {
    const [here, room] = [within.current!, within.current!.closest(".messages, dialog") ?? document.body].map(
      (one) => one.getBoundingClientRect(),
    );
    const across = here!.left - room!.left < room!.width / 2 ? "rightward" : "leftward";
    setSide(`${across} ${here!.top - room!.top < room!.height / 2 ? "downward" : "upward"}`);
    setOpen(!open);
  }

  useEffect(() => {
    if (!open) return;
    within.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const outside = (event: Event) => {
      if (!within.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("mousedown", outside);
    return () => document.removeEventListener("mousedown", outside);
  }, [open]);

  function keyed(event: KeyboardEvent) {
    const items = [...within.current!.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") {
      setOpen(false);
      within.current!.querySelector("button")!.focus();
    } else if (event.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp") items[(at - 1 + items.length) % items.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div className="menu" ref={within} onKeyDown={open ? keyed : undefined}>
      <button type="button" className="square" aria-label={label} aria-haspopup="menu" aria-expanded={open} onClick={toggle}>
        ⋮
      </button>
      {open && (
        <div role="menu" className={`popup ${side}`}>
          {options.map((option) => (
            <button
              type="button"
              role="menuitem"
              key={option.value}
              onClick={() => {
                setOpen(false);
                choose(option);
              }}
            >
              {option.text.text}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

import { useMemo, useState } from "react";
import { type Block, Message as SlackBlocks } from "slack-blocks-to-jsx";
import type { Json } from "./api";
import { Field, LabelledInput, Menu, type Values } from "./Inputs";
import { placeName, useWorkspace } from "./names";
import { usePage } from "./page";
import { isWebAddress, SafeLink } from "./Text";

export type Press = (actionId: string, chosen: { value?: string; selected?: string | number | string[] }) => void;

interface Props {
  blocks: Json[];
  press: Press;
  /** Of a modal or home: what was chosen and typed so far. */
  values?: Values;
  change?: (blockId: string, actionId: string, state: Json) => void;
  errors?: Record<string, string>;
}

/** Blocks as Slack shows them. Buttons, menus and inputs are ours: the library does not report what was chosen. */
export function Blocks({ blocks, press, values = {}, change, errors = {} }: Props) {
  const { confirmFirst } = usePage();
  return (
    <div className="blocks">
      {blocks.map((block, number) => {
        const blockId: string = block.block_id ?? `block-${number}`;
        const element = (one: Json, place: number) => (
          <Element
            key={one.action_id ?? place}
            element={one}
            press={press}
            state={values[blockId]?.[one.action_id]}
            change={(state) => change?.(blockId, one.action_id, state)}
          />
        );
        if (block.type === "actions" || block.type === "context_actions") {
          return (
            <div className="actions" key={blockId}>
              {block.elements.map(element)}
            </div>
          );
        }
        if (block.type === "input") {
          return (
            <LabelledInput
              key={blockId}
              block={block}
              state={values[blockId]?.[block.element.action_id]}
              error={errors[blockId]}
              change={(state) => confirmFirst(block.element.confirm, () => change?.(blockId, block.element.action_id, state))}
            />
          );
        }
        if (block.type === "section" && block.accessory && block.accessory.type !== "image") {
          const { accessory, ...rest } = block;
          return (
            <div className="with-accessory" key={blockId}>
              <Drawn block={rest} />
              {element(accessory, 0)}
            </div>
          );
        }
        if (block.type === "task_card") return <Task key={blockId} task={block} />;
        if (block.type === "plan") {
          return (
            <section className="plan" key={blockId} aria-label={block.title}>
              <strong>{block.title}</strong>
              {block.tasks?.map((task: Json) => <Task key={task.task_id} task={task} />)}
            </section>
          );
        }
        if (block.type === "table") {
          return (
            <div className="wide" key={blockId} role="region" aria-label="Table" tabIndex={0}>
              <Drawn block={block} />
            </div>
          );
        }
        return <Drawn key={blockId} block={block} />;
      })}
    </div>
  );
}

function Element(props: {
  element: Json;
  press: Press;
  state: Json | undefined;
  change: (state: Json) => void;
}) {
  const { element, press } = props;
  const { confirmFirst } = usePage();
  const [chosen, setChosen] = useState<Json>();
  switch (element.type) {
    case "button":
    case "icon_button":
      return (
        <button
          type="button"
          className={`block-button ${element.style ?? ""}`}
          aria-label={element.accessibility_label}
          data-action={element.action_id}
          onClick={() =>
            confirmFirst(element.confirm, () => {
              visit(element.url);
              press(element.action_id, element.value === undefined ? {} : { value: element.value });
            })
          }
        >
          {element.text.text}
        </button>
      );
    case "feedback_buttons":
      return <Feedback element={element} press={(value) => press(element.action_id, { value })} />;
    case "overflow":
      return (
        <Menu
          label="More"
          options={element.options}
          choose={(option) =>
            confirmFirst(element.confirm, () => {
              visit(option.url);
              press(element.action_id, { selected: option.value });
            })
          }
        />
      );
  }
  return (
    <Field
      element={element}
      label={element.placeholder?.text ?? "Choose"}
      state={props.state ?? chosen}
      change={(next) => {
        const selected = selectedOf(next) || undefined; // a date that was cleared is none
        const take = () => {
          setChosen(next);
          props.change(next);
          if (selected !== undefined) press(element.action_id, { selected });
        };
        confirmFirst(selected === undefined ? undefined : element.confirm, take);
      }}
    />
  );
}

/** What was chosen, from an element's new state: option values, a date, or ids. Undefined for text that is still being typed. */
function selectedOf({ type: _, value: __, ...state }: Json): string | number | string[] | undefined {
  const valueOf = (one: Json | string | number) => (typeof one === "object" ? one?.value : one);
  const [chosen] = Object.values(state);
  return Array.isArray(chosen) ? chosen.map(valueOf) : valueOf(chosen);
}

function visit(address: string | undefined) {
  if (address && isWebAddress(address)) window.open(address, "_blank", "noopener");
}

const THUMB = "M2 7h2.5v7H2zM5.5 7l3-5.5c1.4 0 1.9 1 1.6 2.3L9.6 6h3.6c.8 0 1.3.7 1.1 1.5l-1.2 5.2c-.2.8-.8 1.3-1.6 1.3h-6z";

function Feedback({ element, press }: { element: Json; press: (value: string) => void }) {
  const [given, setGiven] = useState("");
  return (["positive_button", "negative_button"] as const).map((name) => {
    const button: Json = element[name];
    return (
      <button
        type="button"
        key={name}
        className="square block-button"
        aria-label={button.accessibility_label ?? button.text.text}
        title={button.text.text}
        aria-pressed={given === name}
        onClick={() => {
          setGiven(name);
          press(button.value);
        }}
      >
        <svg className={`icon ${name}`} viewBox="0 0 16 16" aria-hidden="true">
          <path d={THUMB} fill="none" stroke="currentColor" strokeWidth="1.3" strokeLinejoin="round" />
        </svg>
      </button>
    );
  });
}

const STATES: Record<string, string> = {
  pending: "waiting",
  in_progress: "in progress",
  complete: "done",
  error: "failed",
};

/** A step of Ken's work. Its state is also in words, since not everybody can see a colour. */
function Task({ task }: { task: Json }) {
  const state: string = task.status in STATES ? task.status : "pending";
  return (
    <div className="task" data-status={state}>
      <span className="task-sign" aria-hidden="true" />
      <div>
        <strong>{task.title}</strong> <span className="quiet">{STATES[state]}</span>
        {[task.details, task.output].map((words, number) => words && <Drawn key={number} block={words} />)}
        {task.sources?.map((source: Json) => (
          <SafeLink key={source.url} address={source.url}>
            {source.text}
          </SafeLink>
        ))}
      </div>
    </div>
  );
}

/** One block by slack-blocks-to-jsx. */
function Drawn({ block }: { block: Json }) {
  const seen = useWorkspace();
  const { theme } = usePage();
  const known = useMemo(
    () => ({
      users: seen.users.map((user) => ({ id: user.id, name: user.real_name || user.name })),
      channels: seen.channels.map((channel) => ({ id: channel.id, name: placeName(seen, channel) })),
      user_groups: [],
    }),
    [seen],
  );
  return <SlackBlocks blocks={[block as Block]} data={known} theme={theme} logo="" name="" withoutWrapper className="drawn" />;
}

/** What a stream has shown so far, as Slack draws it. */
export function chunkBlocks(chunks: Json[]): Json[] {
  const tasks = new Map<string, Json>();
  const ready: Json[] = [];
  let title = "";
  let text = "";
  for (const chunk of chunks) {
    if (chunk.type === "task_update") {
      const { type: _, id, ...task } = chunk;
      tasks.set(id, { ...tasks.get(id), task_id: id, ...task });
    }
    if (chunk.type === "plan_update") title = chunk.title;
    if (chunk.type === "markdown_text") text += chunk.text;
    if (chunk.type === "blocks") ready.push(...chunk.blocks);
  }
  const cards = [...tasks.values()].map((task) => card(task));
  const shown = title ? [{ type: "plan", title, tasks: cards }] : cards.map((task) => ({ type: "task_card", ...task }));
  return [...shown, ...(text ? [{ type: "markdown", text }] : []), ...ready];
}

/** In a stream, details and output are markdown; in a block they are rich text. */
function card(task: Json): Json {
  const rich = (value: unknown) =>
    typeof value === "string"
      ? { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: value }] }] }
      : value;
  const drawn: Json = { ...task };
  for (const name of ["details", "output"]) if (drawn[name]) drawn[name] = rich(drawn[name]);
  return drawn;
}

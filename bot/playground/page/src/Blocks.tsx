import { type MouseEvent, useMemo, useState } from "react";
import { type Block, Message as SlackBlocks } from "slack-blocks-to-jsx";
import type { Json } from "./api";
import { Field, LabelledInput, Menu, type Values } from "./Inputs";
import { placeName, useWorkspace } from "./names";
import { isWebAddress } from "./Text";

export type Press = (actionId: string, chosen: { value?: string; selected?: string | string[] }) => void;

interface Props {
  blocks: Json[];
  press: Press;
  /** Of a modal or home: what was chosen and typed so far. */
  values?: Values;
  change?: (blockId: string, actionId: string, state: Json) => void;
  errors?: Record<string, string>;
}

const DRAWN_BY_THE_LIBRARY = ["button", "icon_button", "feedback_buttons"];

/** Blocks as Slack shows them. Inputs and menus are ours: the library's cannot be listened to. */
export function Blocks({ blocks, press, values = {}, change, errors = {} }: Props) {
  return (
    <div className="blocks">
      {blocks.map((block, number) => {
        const blockId: string = block.block_id ?? `block-${number}`;
        const element = (one: Json, place: number) => (
          <Element
            key={one.action_id ?? place}
            element={one}
            within={block.type}
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
              change={(state) => change?.(blockId, block.element.action_id, state)}
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
        return <Drawn key={blockId} block={block} />;
      })}
    </div>
  );
}

function Element(props: {
  element: Json;
  within: string;
  press: Press;
  state: Json | undefined;
  change: (state: Json) => void;
}) {
  const { element, press, state, change } = props;
  const [pressed, setPressed] = useState("");
  if (element.type === "overflow") {
    return <Menu options={element.options} choose={(value) => press(element.action_id, { selected: value })} />;
  }
  if (!DRAWN_BY_THE_LIBRARY.includes(element.type)) {
    return (
      <Field
        element={element}
        label={element.placeholder?.text ?? "Choose"}
        state={state}
        change={(next) => {
          change(next);
          const chosen = next.selected_options?.map((one: Json) => one.value) ?? next.selected_option?.value;
          if (chosen !== undefined) press(element.action_id, { selected: chosen });
        }}
      />
    );
  }

  function clicked(event: MouseEvent<HTMLDivElement>) {
    const buttons = [...event.currentTarget.querySelectorAll("button")];
    const number = buttons.findIndex((button) => button.contains(event.target as Node));
    if (number < 0) return;
    const value: string | undefined =
      element.type === "feedback_buttons"
        ? [element.positive_button, element.negative_button][number]?.value
        : element.value;
    setPressed(String(number));
    if (element.url && isWebAddress(element.url)) window.open(element.url, "_blank", "noopener");
    press(element.action_id, value === undefined ? {} : { value });
  }

  const { confirm: _, url: __, ...drawn } = element;
  const type = element.type === "button" ? "actions" : "context_actions";
  return (
    <div className="element" data-action={element.action_id} data-pressed={pressed} onClick={clicked}>
      <Drawn block={{ type, elements: [drawn] }} />
    </div>
  );
}

/** One block by slack-blocks-to-jsx. */
function Drawn({ block }: { block: Json }) {
  const seen = useWorkspace();
  const known = useMemo(
    () => ({
      users: seen.users.map((user) => ({ id: user.id, name: user.real_name || user.name })),
      channels: seen.channels.map((channel) => ({ id: channel.id, name: placeName(seen, channel) })),
      user_groups: [],
    }),
    [seen],
  );
  return <SlackBlocks blocks={[block as Block]} data={known} logo="" name="" withoutWrapper className="drawn" />;
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

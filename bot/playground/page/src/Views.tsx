import { useState } from "react";
import { type Json, order, type View } from "./api";
import { Blocks } from "./Blocks";
import { Dialog } from "./Dialog";
import type { Values } from "./Inputs";
import { useWorkspace } from "./names";
import { Bar } from "./page";

/** A modal that the app opened; Escape closes it. */
export function Modal({ view, act }: { view: View; act: (what: Promise<Json>) => void }) {
  const seen = useWorkspace();
  const [values, setValues] = useState<Values>(view.state?.values ?? {});
  const [errors, setErrors] = useState<Record<string, string>>({});
  const place = { user: seen.you, view_id: view.id };
  const close = () => act(order("close_view", place));
  const inputs = new Set(view.blocks.filter((block) => block.type === "input").map((block) => block.block_id));

  function submit() {
    const given = Object.fromEntries(Object.entries(values).filter(([blockId]) => inputs.has(blockId)));
    const what = order("submit", { ...place, values: given });
    act(what);
    what.then((result) => setErrors(result.errors ?? {})).catch(() => undefined);
  }

  return (
    <Dialog label={view.title?.text ?? "Ken"} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <header>
          <h2>{view.title?.text}</h2>
          <button type="button" aria-label="Close" onClick={close}>
            ✕
          </button>
        </header>
        <div className="dialog-body">
          <Blocks
            blocks={view.blocks}
            values={values}
            errors={errors}
            change={(blockId, actionId, state) =>
              setValues((before) => ({ ...before, [blockId]: { ...before[blockId], [actionId]: state } }))
            }
            press={(action_id, chosen) => act(order("press", { ...place, action_id, ...chosen }))}
          />
        </div>
        <footer>
          <button type="button" onClick={close}>
            {view.close?.text ?? "Close"}
          </button>
          {(view.submit || inputs.size > 0) && (
            <button type="submit" className="primary">
              {view.submit?.text ?? "Submit"}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

/** The home of Ken's app, which is another one for each person. */
export function Home({ act, tabs }: { act: (what: Promise<Json>) => void; tabs: React.ReactNode }) {
  const seen = useWorkspace();
  const home = seen.home;
  return (
    <section className="conversation" aria-label="Ken's Home tab">
      <Bar>
        <h1>Ken</h1>
        {tabs}
        <span className="spread" />
      </Bar>
      <div className="messages home" tabIndex={0}>
        {home ? (
          <Blocks
            key={home.id}
            blocks={home.blocks}
            values={home.state?.values ?? {}}
            press={(action_id, chosen) => act(order("press", { user: seen.you, home: true, action_id, ...chosen }))}
          />
        ) : (
          <p className="beginning">Ken fills this tab a moment after you open it.</p>
        )}
      </div>
    </section>
  );
}

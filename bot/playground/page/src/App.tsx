import { useCallback, useEffect, useState } from "react";
import { get, type Json, order, type Tour } from "./api";
import { Conversation, type Draft, Thread } from "./Conversation";
import { SeenContext } from "./names";
import { Panel } from "./Panel";
import { Sidebar } from "./Sidebar";
import { useSeen } from "./useSeen";
import { Home, Modal } from "./Views";

type Tab = "messages" | "home";

export function App() {
  const [user, setUser] = useState(() => localStorage.getItem("ken.act-as") ?? "");
  const [wanted, setWanted] = useState("");
  const [tab, setTab] = useState<Tab>("messages");
  const [thread, setThread] = useState("");
  const [draft, setDraft] = useState<Draft>({ text: "", number: 0 });
  const [tour, setTour] = useState<Tour | null>(null);
  const [problem, setProblem] = useState("");
  const [panel, setPanel] = useState(() => window.innerWidth >= 1100);
  const { seen, lost } = useSeen(user);

  const act = useCallback((what: Promise<Json>) => {
    what
      .then((told) => setProblem(told.failed ? `Ken did not take that (${told.failed}). Nothing was changed; try again.` : ""))
      .catch((error) => setProblem(`That was not done: ${error instanceof Error ? error.message : "no answer"}.`));
  }, []);

  useEffect(() => {
    const people = get<{ users: Json[] }>("/_double/people");
    const found = Promise.all([get<Tour>("/_page/tour"), people]);
    found.catch(() => setProblem("The playground does not answer. Is it running?"));
    void found.then(([told, { users }]) => {
      setTour(told);
      const active = users.filter((one) => !one.is_bot && !one.deleted && !one.is_stranger);
      const first = active.find((one) => one.name === told.askers[0]?.id) ?? active[0];
      setUser((before) => (active.some((one) => one.id === before) ? before : (first?.id ?? "")));
    });
  }, []);

  const channels = seen?.channels ?? [];
  const place = channels.find((one) => one.id === wanted) ?? channels.find((one) => one.is_im && one.members.includes(user));

  useEffect(() => {
    if (place?.is_im) act(order("open_home", { user, tab }));
  }, [user, place?.id, tab]);

  function go(channelId: string, text = "") {
    setWanted(channelId);
    setTab("messages");
    setThread("");
    setDraft((before) => ({ text, number: before.number + 1 }));
    setProblem("");
  }

  function actAs(userId: string, channelId = "", text = "") {
    localStorage.setItem("ken.act-as", userId);
    setUser(userId);
    const stays = place && !place.is_im ? place.id : "";
    go(text ? channelId : stays, text);
  }

  function ask(question: string, name: string, called: string | null) {
    const person = seen?.users.find((one) => one.name === name);
    if (!person) return;
    if (!called) return actAs(person.id, `D${person.id}`, question);
    void get<{ channels: { id: string; name: string }[] }>("/_double/people").then((told) => {
      const channel = told.channels.find((one) => one.name === called);
      if (channel) actAs(person.id, channel.id, `@Ken ${question}`);
    });
  }

  if (!seen) {
    return <p className="beginning">{lost || problem ? "The playground does not answer. `make demo` starts it; then load this page again." : "Opening the workspace…"}</p>;
  }
  const tabs = place?.is_im && (
    <div role="tablist" aria-label="Ken">
      {(["messages", "home"] as Tab[]).map((one) => (
        <button type="button" role="tab" key={one} aria-selected={tab === one} onClick={() => setTab(one)}>
          {one === "home" ? "Home" : "Messages"}
        </button>
      ))}
    </div>
  );
  const view = seen.views.at(-1);
  return (
    <SeenContext.Provider value={seen}>
      <div className="app" data-panel={panel} data-thread={Boolean(thread)}>
        <Sidebar place={place?.id ?? ""} go={go} actAs={actAs} />
        <main>
          {(lost || problem) && (
            <div className="problem" role="alert">
              {lost ? "The playground does not answer. What you see may be old." : problem}
              {problem && (
                <button type="button" aria-label="Dismiss" onClick={() => setProblem("")}>
                  ✕
                </button>
              )}
            </div>
          )}
          <div className="main-row">
            {place && tab === "home" && place.is_im ? (
              <Home act={act} tabs={tabs} />
            ) : (
              place && (
                <Conversation
                  channel={place}
                  draft={draft}
                  act={act}
                  openThread={setThread}
                  suggest={(text) => setDraft((before) => ({ text, number: before.number + 1 }))}
                  hasThread={Boolean(thread)}
                  tabs={tabs}
                />
              )
            )}
            {place && thread && tab === "messages" && (
              <Thread key={thread} channel={place} ts={thread} act={act} close={() => setThread("")} />
            )}
          </div>
        </main>
        {!panel && (
          <button type="button" className="open-panel" onClick={() => setPanel(true)}>
            People and permissions
          </button>
        )}
        {panel && <Panel channel={place} tour={tour} ask={ask} act={act} close={() => setPanel(false)} />}
        {view && <Modal key={view.id} view={view} act={act} />}
      </div>
    </SeenContext.Provider>
  );
}

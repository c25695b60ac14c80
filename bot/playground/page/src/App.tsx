import { useCallback, useEffect, useMemo, useState } from "react";
import { get, type Json, type Message, order, type Tour } from "./api";
import { Conversation, Thread } from "./Conversation";
import { Confirm, Dialog, type Confirmation } from "./Dialog";
import { latestIn, placeLabel, SeenContext, unreadElsewhere, unreadIn, useWorkspace } from "./names";
import { PageContext } from "./page";
import { Panel } from "./Panel";
import { NARROW, PHONE, useMedia, useTheme, useVisible } from "./screen";
import { Keys, useKeys } from "./Keys";
import { Sidebar } from "./Sidebar";
import { preview, typed } from "./Text";
import { useSeen } from "./useSeen";
import { Home, Modal } from "./Views";

type Tab = "messages" | "home";

const ACT_AS = "ken.act-as";
const PLACE = "ken.place";

export function App() {
  const [user, setUser] = useState(() => localStorage.getItem(ACT_AS) ?? "");
  const [wanted, setWanted] = useState(() => sessionStorage.getItem(PLACE) ?? "");
  const [tab, setTab] = useState<Tab>("messages");
  const [thread, setThread] = useState("");
  const [tour, setTour] = useState<Tour | null>(null);
  const [problem, setProblem] = useState("");
  const [confirmation, setConfirmation] = useState<Confirmation | null>(null);
  const [theme, toggleTheme] = useTheme();
  const isPhone = useMedia(PHONE);
  const isNarrow = useMedia(NARROW);
  const isVisible = useVisible();
  const [sidebar, showSidebar] = useState(false);
  const [panel, showPanel] = useState(!isNarrow);
  const [helps, setHelps] = useState(false);
  const { seen, lost } = useSeen(user);

  useEffect(() => showPanel(!isNarrow), [isNarrow]);
  useEffect(() => showSidebar(false), [isPhone]);

  const act = useCallback((what: Promise<Json>) => {
    what
      .then((result) => setProblem(result.failed ? `Ken did not accept that (${result.failed}). Nothing was changed; try again.` : ""))
      .catch((error) => setProblem(`That did not work: ${error instanceof Error ? error.message : "no answer"}.`));
  }, []);

  useEffect(() => {
    const people = get<{ users: Json[] }>("/_double/people");
    const found = Promise.all([get<Tour>("/_page/tour"), people]);
    found.catch(() => setProblem("The playground is not responding. Is it running?"));
    void found.then(([tour, { users }]) => {
      setTour(tour);
      const active = users.filter((one) => !one.is_bot && !one.deleted && !one.is_stranger);
      const first = active.find((one) => one.name === tour.askers[0]?.id) ?? active[0];
      setUser((before) => (active.some((one) => one.id === before) ? before : (first?.id ?? "")));
    });
  }, []);

  const channels = seen?.channels ?? [];
  const place = channels.find((one) => one.id === wanted) ?? channels.find((one) => one.is_im && one.members.includes(user));
  const looksAt = place && isVisible && !(place.is_im && tab === "home") ? place.id : "";
  const newest = seen && place && unreadIn(seen, place).length > 0 ? latestIn(seen, place) : "";
  const unread = seen ? unreadElsewhere(seen, looksAt) : 0;

  useEffect(() => {
    if (place?.is_im) act(order("open_home", { user, tab }));
  }, [user, place?.id, tab]);

  useEffect(() => {
    if (looksAt && newest) act(order("mark", { user, channel: looksAt, ts: newest }));
  }, [user, looksAt, newest]);

  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${seen && place ? `${placeLabel(seen, place)} – ` : ""}Ken's playground`;
  }, [unread, seen, place]);

  function go(channelId: string, threadTs = "") {
    sessionStorage.setItem(PLACE, channelId);
    setWanted(channelId);
    setTab("messages");
    setThread(threadTs);
    setProblem("");
    showSidebar(false);
    if (isNarrow) showPanel(false);
  }

  function actAs(userId: string, channelId = place && !place.is_im ? place.id : "", threadTs = "") {
    localStorage.setItem(ACT_AS, userId);
    setUser(userId);
    go(channelId, threadTs);
  }

  /** Sends this question as this person, in the channel of this name or in their direct messages. */
  function ask(question: string, name: string, called: string | null) {
    const person = seen?.users.find((one) => one.name === name);
    if (!seen || !person) return setProblem(`There is nobody called ${name} in this workspace.`);
    const text = typed(called ? `@Ken ${question}` : question, seen);
    const posted = order("say", { user: person.id, channel: called ?? `D${person.id}`, text });
    act(posted);
    posted.then(({ channel, ts }) => actAs(person.id, channel, ts)).catch(() => undefined);
  }

  useKeys({ channels, place: place?.id ?? "", go, help: () => setHelps(true) });

  const page = useMemo(
    () => ({
      ...{ theme, toggleTheme, isPhone, looksAt, sidebar, panel, showSidebar, showPanel },
      confirmFirst: (confirm: Json | undefined, yes: () => void) => (confirm ? setConfirmation({ confirm, yes }) : yes()),
    }),
    [theme, toggleTheme, isPhone, looksAt, sidebar, panel],
  );

  if (!seen) {
    return <p className="beginning">{lost || problem ? "The playground is not responding. Start it with `make demo`, then reload this page." : "Opening the workspace…"}</p>;
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
  const places = <Sidebar place={place?.id ?? ""} go={go} actAs={actAs} help={() => setHelps(true)} />;
  const readers = <Panel channel={place} tour={tour} ask={ask} act={act} close={() => showPanel(false)} />;

  /** A link to a message of this workspace opens it in the page instead of leaving for Slack. */
  function followed(event: React.MouseEvent) {
    const address = (event.target as Element).closest?.("a[href]")?.getAttribute("href") ?? "";
    const found = PERMALINK.exec(address);
    if (!found || found[1] !== seen?.team.domain) return;
    event.preventDefault();
    const channel = channels.find((one) => one.id === found[2]);
    if (!channel) return setProblem("You cannot open that conversation.");
    const ts = found[3] ? `${found[3]}.${found[4]}` : "";
    const message = seen?.messages[channel.id]?.find((one) => one.ts === ts);
    const replies = seen?.messages[channel.id]?.some((one) => one.thread_ts === ts);
    go(channel.id, message?.thread_ts || (replies ? ts : ""));
  }

  return (
    <SeenContext.Provider value={seen}>
      <PageContext.Provider value={page}>
        <div className="app" data-panel={panel && !isNarrow} data-thread={Boolean(thread)} onClickCapture={followed}>
          {!isPhone && places}
          <main>
            {(lost || problem) && (
              <div className="problem" role="alert">
                {lost ? "The playground is not responding. What you see may be out of date." : problem}
                {problem && (
                  <button type="button" aria-label="Dismiss" onClick={() => setProblem("")}>
                    ✕
                  </button>
                )}
              </div>
            )}
            {!lost && !seen.has_bot && (
              <p className="absent" role="status">
                Ken is not connected. Your messages are stored here and reach Ken when it is back. Run <code>ken status</code> for details.
              </p>
            )}
            <Elsewhere looksAt={looksAt} show={(message) => go(message.channel, message.thread_ts)} />
            <div className="main-row">
              {place && tab === "home" && place.is_im ? (
                <Home act={act} tabs={tabs} />
              ) : (
                place && (
                  <Conversation
                    key={`${user} ${place.id}`}
                    channel={place}
                    act={act}
                    openThread={setThread}
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
          {panel && !isNarrow && readers}
          {isPhone && sidebar && (
            <Dialog label="Conversations" className="drawer left" close={() => showSidebar(false)} light>
              {places}
            </Dialog>
          )}
          {isNarrow && panel && (
            <Dialog label="Panel" className="drawer right" close={() => showPanel(false)} light>
              {readers}
            </Dialog>
          )}
          {view && <Modal key={view.id} view={view} act={act} />}
          {confirmation && <Confirm confirmation={confirmation} close={() => setConfirmation(null)} />}
          {helps && <Keys close={() => setHelps(false)} />}
        </div>
      </PageContext.Provider>
    </SeenContext.Provider>
  );
}

const PERMALINK = /^https:\/\/([\w-]+)\.slack\.com\/archives\/(\w+)(?:\/p(\d{10})(\d{6}))?(?:\?|$)/;

/** Points to a new direct message of Ken while another conversation is open. */
function Elsewhere({ looksAt, show }: { looksAt: string; show: (message: Message) => void }) {
  const [dismissed, setDismissed] = useState("");
  const seen = useWorkspace();
  const [channel] = seen.channels.filter((one) => one.is_im && one.id !== looksAt);
  const latest = channel && unreadIn(seen, channel).at(-1);
  const shown = latest && latest.ts > dismissed ? latest : null;
  return (
    <div role="status">
      {shown && (
        <div className="elsewhere">
          <span>
            <strong>Ken sent you a direct message:</strong> {preview(shown, seen)}
          </span>
          <button type="button" className="primary" onClick={() => show(shown)}>
            Show
          </button>
          <button type="button" aria-label="Dismiss" onClick={() => setDismissed(shown.ts)}>
            ✕
          </button>
        </div>
      )}
    </div>
  );
}

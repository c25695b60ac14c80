import { createContext, type ReactNode, useContext } from "react";
import type { Json } from "./api";
import { unreadElsewhere, useWorkspace } from "./names";
import type { Theme } from "./screen";

/** State of the page itself: colours, drawers, and how to ask for a confirmation. */
export interface PageState {
  theme: Theme;
  toggleTheme: () => void;
  isPhone: boolean;
  /** The conversation on screen; empty if there is none, or if the tab is in the background. */
  looksAt: string;
  sidebar: boolean;
  panel: boolean;
  showSidebar: (shown: boolean) => void;
  showPanel: (shown: boolean) => void;
  /** Runs `yes` once the person has agreed; at once if there is no confirm object. */
  confirmFirst: (confirm: Json | undefined, yes: () => void) => void;
}

export const PageContext = createContext<PageState | null>(null);

export function usePage(): PageState {
  return useContext(PageContext)!;
}

/** The header of a conversation, with the buttons that open the drawers. */
export function Bar({ children, isThread = false }: { children: ReactNode; isThread?: boolean }) {
  const { isPhone, sidebar, panel, showSidebar, showPanel, looksAt } = usePage();
  const unread = unreadElsewhere(useWorkspace(), looksAt);
  return (
    <header className="place">
      {isPhone && !isThread && (
        <button type="button" className="square" aria-haspopup="dialog" aria-expanded={sidebar} onClick={() => showSidebar(true)}>
          <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2 4h12M2 8h12M2 12h12" stroke="currentColor" strokeWidth="1.6" />
          </svg>
          <span className="unseen">Conversations{unread > 0 && `, ${unread} unread`}</span>
          {unread > 0 && <span className="count" aria-hidden="true">{unread}</span>}
        </button>
      )}
      {children}
      <button type="button" className="open-panel" aria-expanded={panel} onClick={() => showPanel(!panel)}>
        <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="6.6" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path d="M8 7.2v4.2M8 4.3v1.5" stroke="currentColor" strokeWidth="1.7" />
        </svg>
        <span className="wide-only">People and permissions</span>
      </button>
    </header>
  );
}

import { useEffect, useLayoutEffect, useState } from "react";

/** At these widths the sidebar, and the panel, become drawers. style.css uses the same numbers. */
export const PHONE = "(max-width: 719px)";
export const NARROW = "(max-width: 1099px)";

const DARK = "(prefers-color-scheme: dark)";
const CHOSEN = "ken.theme";

export type Theme = "light" | "dark";

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const changed = () => setMatches(media.matches);
    changed();
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, [query]);
  return matches;
}

/** The theme that the system prefers, unless the other one was chosen here. Choosing the preferred one follows the system again. */
export function useTheme(): [Theme, () => void] {
  const preferred: Theme = useMedia(DARK) ? "dark" : "light";
  const [chosen, setChosen] = useState(() => localStorage.getItem(CHOSEN) as Theme | null);
  const theme = chosen ?? preferred;
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);

  function toggle() {
    const other: Theme = theme === "dark" ? "light" : "dark";
    if (other === preferred) localStorage.removeItem(CHOSEN);
    else localStorage.setItem(CHOSEN, other);
    setChosen(other === preferred ? null : other);
  }
  return [theme, toggle];
}

/** False while the tab is in the background. */
export function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const changed = () => setVisible(!document.hidden);
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, []);
  return visible;
}

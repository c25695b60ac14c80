import { useEffect, useState } from "react";
import { get, Refused, type Seen } from "./api";

/** What this person sees, always the newest; `lost` while the playground does not answer. */
export function useSeen(user: string): { seen: Seen | null; lost: boolean } {
  const [seen, setSeen] = useState<Seen | null>(null);
  const [lost, setLost] = useState(false);

  useEffect(() => {
    if (!user) return;
    const gone = new AbortController();
    void follow(user, gone.signal, setSeen, setLost);
    return () => gone.abort();
  }, [user]);

  return { seen: seen?.you === user ? seen : null, lost };
}

async function follow(
  user: string,
  gone: AbortSignal,
  show: (seen: Seen) => void,
  setLost: (lost: boolean) => void,
): Promise<void> {
  while (!gone.aborted) {
    try {
      const seen = await get<Seen>("/_page/seen", { user }, gone);
      show(seen);
      setLost(false);
      await get("/_double/changes", { after: String(seen.version), timeout_s: "30" }, gone);
    } catch (error) {
      if (gone.aborted) return;
      setLost(!(error instanceof Refused));
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

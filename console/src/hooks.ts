// Asking the API from a component, and the cache of items that answers name only by id.

import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import { Api, ApiError, path } from "./api";
import type { ItemPage, ItemRow } from "./types";

export interface Asked<T> {
  data: T | null;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
}

const LOOKED_UP_AT_ONCE = 200;

/** Items by id, read in batches: everything asked for in one turn of the event loop is one request. */
export class ItemStore {
  private readonly known = new Map<string, Promise<ItemRow | null>>();
  private wanted: { id: string; found: (row: ItemRow | null) => void; failed: (error: unknown) => void }[] = [];

  constructor(private readonly api: Api) {}

  get(id: string): Promise<ItemRow | null> {
    let row = this.known.get(id);
    if (!row) {
      row = new Promise((found, failed) => {
        if (this.wanted.length === 0) setTimeout(() => this.flush());
        this.wanted.push({ id, found, failed });
      });
      row.catch(() => this.known.delete(id));
      this.known.set(id, row);
    }
    return row;
  }

  private flush(): void {
    const wanted = this.wanted;
    this.wanted = [];
    for (let start = 0; start < wanted.length; start += LOOKED_UP_AT_ONCE) {
      const some = wanted.slice(start, start + LOOKED_UP_AT_ONCE);
      this.api.post<ItemPage>("/v1/catalogue/lookup", { item_ids: some.map(({ id }) => id) }).then(
        (page) => {
          const rows = new Map(page.data.map((row) => [row.item.item_id, row]));
          for (const { id, found } of some) found(rows.get(id) ?? null);
        },
        (error: unknown) => some.forEach(({ failed }) => failed(error)),
      );
    }
  }
}

const PICTURES_KEPT = 300;

/** The shop's own pictures: fetched with the key, and kept as object URLs for as long as they are likely to be seen. */
export class PictureStore {
  private readonly known = new Map<string, Promise<string>>();

  constructor(private readonly api: Api) {}

  get(url: string): Promise<string> {
    let kept = this.known.get(url);
    if (kept)
      this.known.delete(url); // and in again, as the newest
    else kept = this.api.blob(url).then((blob) => URL.createObjectURL(blob));
    this.known.set(url, kept);
    for (const [oldest, gone] of this.known) {
      if (this.known.size <= PICTURES_KEPT) break;
      this.known.delete(oldest);
      gone.then(URL.revokeObjectURL, () => undefined);
    }
    return kept;
  }
}

export interface Shop {
  api: Api;
  pictures: PictureStore;
  items: ItemStore;
  scopes: readonly string[];
  tasks: readonly string[];
}

export const ShopContext = createContext<Shop | null>(null);

export function useShop(): Shop {
  const shop = useContext(ShopContext);
  if (!shop) throw new Error("useShop outside of a signed-in page");
  return shop;
}

/** The answer to `ask`, asked again when `inputs` change; the last answer stays on show meanwhile. */
export function useAnswer<T>(ask: (api: Api, signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Asked<T> {
  const { api } = useShop();
  const [state, setState] = useState<Omit<Asked<T>, "reload">>({ data: null, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    const stop = new AbortController();
    setState((was) => ({ ...was, loading: true }));
    latest.current(api, stop.signal).then(
      (data) => !stop.signal.aborted && setState({ data, error: null, loading: false }),
      (error: unknown) => !stop.signal.aborted && setState({ data: null, error: asApiError(error), loading: false }),
    );
    return () => stop.abort();
  }, [api, turn, ...inputs]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  return { ...state, reload };
}

/** `useAnswer` for one path. */
export const useGet = <T>(base: string, query: Record<string, string | number | undefined> = {}): Asked<T> => {
  const whole = path(base, [], query);
  return useAnswer<T>((api, signal) => api.get<T>(whole, signal), [whole]);
};

/** The catalogue's rows of these ids, as they arrive. */
export function useItems(ids: readonly string[]): ReadonlyMap<string, ItemRow | null> {
  const { items } = useShop();
  const [rows, setRows] = useState<ReadonlyMap<string, ItemRow | null>>(new Map());
  const joined = ids.join("\n");
  useEffect(() => {
    let current = true;
    const wanted = joined ? joined.split("\n") : [];
    Promise.all(wanted.map(async (id) => [id, await items.get(id)] as const)).then(
      (found) => current && setRows(new Map(found)),
      () => undefined, // titles are missing then; ids are shown in their place
    );
    return () => void (current = false);
  }, [items, joined]);
  return rows;
}

/** The value, once it has stood still for a moment. */
export function useSettled<T>(value: T, ms = 180): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Runs `tick` every `ms` while `active`, except while the page is hidden. */
export function useTicking(tick: () => void, ms: number, active = true): void {
  const latest = useRef(tick);
  latest.current = tick;
  useEffect(() => {
    if (!active) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms, active]);
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, "error", error instanceof Error ? error.message : String(error), null);
}

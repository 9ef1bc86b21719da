// The API key and the colour scheme: what this tab remembers. The key lives in sessionStorage: it ends with the tab.

const KEY = "aisle.key";
const SCHEME = "aisle.scheme";
export type Scheme = "auto" | "light" | "dark";

/** Takes a key from `#key=…` (a link printed by `aisle demo`), keeps it, and removes it from the address bar. */
export function takeKeyFromAddress(): void {
  const match = /^#key=([^&]+)/.exec(location.hash);
  if (!match?.[1]) return;
  keepKey(decodeURIComponent(match[1]));
  history.replaceState(null, "", location.pathname + "#/");
}

export const readKey = (): string | null => sessionStorage.getItem(KEY);
export const keepKey = (key: string): void => sessionStorage.setItem(KEY, key);
export const dropKey = (): void => sessionStorage.removeItem(KEY);

export function readScheme(): Scheme {
  const kept = localStorage.getItem(SCHEME);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export function applyScheme(scheme: Scheme): void {
  if (scheme === "auto") {
    localStorage.removeItem(SCHEME);
    delete document.documentElement.dataset["scheme"];
  } else {
    localStorage.setItem(SCHEME, scheme);
    document.documentElement.dataset["scheme"] = scheme;
  }
  dispatchEvent(new Event("schemechange"));
}

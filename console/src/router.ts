// Which page is shown, from the address's fragment: "#/users/user-0001". A fragment never reaches a server's log.

import { useEffect, useState } from "preact/hooks";

export interface Route {
  page: string; // "" is the overview
  id: string | null;
}

export function parse(hash: string): Route {
  const [page = "", ...rest] = hash.replace(/^#\/?/, "").split("/");
  const id = rest.join("/");
  return { page, id: id ? safeDecode(id) : null };
}

export const href = (page: string, id?: string): string => `#/${page}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const follow = (): void =>
      setRoute((was) => {
        const now = parse(location.hash);
        return now.page === was.page && now.id === was.id ? was : now;
      });
    addEventListener("hashchange", follow);
    follow(); // it may have changed since the first render
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

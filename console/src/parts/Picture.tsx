// A product's picture, or a quiet tile with its first letter where there is none or it cannot be shown.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useShop } from "../hooks";
import type { Item } from "../types";

interface Props {
  item: Item | null | undefined;
  size: "small" | "medium" | "large";
  named?: boolean; // true: nothing beside it says the title, so the picture must
}

const SOON = "300px"; // how near to the screen a picture is fetched

export function Picture({ item, size, named = false }: Props): JSX.Element {
  const holder = useRef<HTMLSpanElement>(null);
  const url = item?.image_urls?.[0];
  const [source, broken] = useSource(url, holder);
  const [refused, setRefused] = useState<string | null>(null);
  const none = !url || broken || refused === url;
  return (
    <span
      ref={holder}
      class={`picture ${size}`}
      {...(none && named && item ? { role: "img", "aria-label": `${item.title}: no picture` } : {})}
    >
      {none ? (
        <span aria-hidden="true">{Array.from(item?.title ?? "")[0] ?? ""}</span>
      ) : (
        source && (
          <img
            src={source}
            alt={named ? (item?.title ?? "") : ""}
            loading="lazy"
            decoding="async"
            referrerpolicy="no-referrer"
            onError={() => setRefused(url)}
          />
        )
      )}
    </span>
  );
}

/** Where the picture can be shown from. Those of this server need the key, so they are fetched, once they come near the screen. */
function useSource(url: string | undefined, holder: { current: HTMLElement | null }): [string | null, boolean] {
  const { pictures } = useShop();
  const [fetched, setFetched] = useState<{ url: string; source: string | null } | null>(null);
  const ours = url?.startsWith("/") && !url.startsWith("//");
  useEffect(() => {
    const element = holder.current;
    if (!url || !ours || !element) return undefined;
    let current = true;
    const near = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        near.disconnect();
        pictures.get(url).then(
          (source) => current && setFetched({ url, source }),
          () => current && setFetched({ url, source: null }),
        );
      },
      { rootMargin: SOON },
    );
    near.observe(element);
    return () => {
      current = false;
      near.disconnect();
    };
  }, [url, ours, pictures]);
  if (!url) return [null, false];
  if (!ours) return [url, false];
  return fetched?.url === url ? [fetched.source, fetched.source === null] : [null, false];
}

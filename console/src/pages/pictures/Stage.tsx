// The picture with the boxes of what was found, each a button, and a heat map over it.

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { percent } from "../../format";
import { useShop } from "../../hooks";
import type { Box, Detected, HeatMap, Thing } from "../../types";

interface Props {
  detected: Detected;
  shown: string | null;
  ours: boolean;
  name: string;
  box: Box | null;
  onBox: (box: Box | null) => void;
  heat?: HeatMap;
}

export function Stage({ detected, shown, ours, name, box, onBox, heat }: Props): JSX.Element {
  const source = useShown(shown, ours);
  const { width, height, objects } = detected;
  const place = (one: Box): Record<string, string> => ({
    insetInlineStart: `${(100 * one[0]) / width}%`,
    insetBlockStart: `${(100 * one[1]) / height}%`,
    inlineSize: `${(100 * (one[2] - one[0])) / width}%`,
    blockSize: `${(100 * (one[3] - one[1])) / height}%`,
  });
  const overlay = useHeat(heat);
  return (
    <>
      <div class="stage" style={{ aspectRatio: `${width} / ${height}` }}>
        {source && <img src={source} alt={name} />}
        {heat && overlay && <img class="heat" src={overlay} alt={`Where “${heat.label}” is seen`} style={place(heat.box)} />}
        {objects.map((one, k) => (
          <button
            key={k}
            type="button"
            class="found"
            style={place(one.box)}
            aria-pressed={same(box, one.box)}
            aria-label={spoken(one)}
            title={spoken(one)}
            onClick={() => onBox(same(box, one.box) ? null : one.box)}
          >
            <span aria-hidden="true">{(one.categories?.[0] ?? one).label}</span>
          </button>
        ))}
      </div>
      <p class="row">
        {box ? (
          <button type="button" class="small" onClick={() => onBox(null)}>
            Look at the whole picture
          </button>
        ) : (
          <span class="quiet">{objects.length ? "Choose a box to look at that part alone." : "Nothing stands out by itself."}</span>
        )}
      </p>
    </>
  );
}

/** Where the picture can be shown from: the item's needs the key. */
function useShown(shown: string | null, ours: boolean): string | null {
  const { pictures } = useShop();
  const [source, setSource] = useState<string | null>(ours ? null : shown);
  useEffect(() => {
    let current = true;
    if (!shown || !ours) setSource(shown);
    else
      pictures.get(shown).then(
        (url) => current && setSource(url),
        () => current && setSource(null),
      );
    return () => {
      current = false;
    };
  }, [shown, ours, pictures]);
  return source;
}

/** A heat map as an object URL: the page's policy allows those and not data in addresses. */
function useHeat(heat: HeatMap | undefined): string | null {
  const url = useMemo(() => {
    if (!heat) return null;
    const bytes = Uint8Array.from(atob(heat.png), (letter) => letter.charCodeAt(0));
    return URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  }, [heat]);
  useEffect(() => () => void (url && URL.revokeObjectURL(url)), [url]);
  return url;
}

/** In the shop's words where it has some, then in the detector's. */
function spoken(one: Thing): string {
  const found = `${one.label}, ${percent(one.probability, 1)}`;
  const category = one.categories?.[0];
  return category ? `${category.label}, ${percent(category.probability, 1)} (found as ${found})` : found;
}

const same = (a: Box | null, b: Box): boolean => a !== null && a.join() === b.join();

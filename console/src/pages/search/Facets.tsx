// What was found by category, brand, price and attribute; a click keeps only that.

import type { JSX } from "preact";
import { count, decimal, words } from "../../format";
import { Card } from "../../parts/basics";
import { Icon } from "../../parts/icons";
import type { FacetValue } from "../../types";

export interface Narrowed {
  facet: string;
  value: string;
}

const SHOWN = 6; // values of a facet
const FACETS = 5;

/** The filter of a request, for what was clicked. */
export function filterOf(narrowed: readonly Narrowed[]): { filter?: Record<string, unknown> } {
  if (narrowed.length === 0) return {};
  const values = (facet: string): string[] => narrowed.filter((one) => one.facet === facet).map((one) => one.value);
  const [from, to] = values("price").at(-1)?.split("-").map(Number) ?? [];
  const attributes = narrowed.filter(({ facet }) => !["category", "brand", "price"].includes(facet));
  return {
    filter: {
      ...(values("category").length ? { category: values("category").slice(-1) } : {}),
      ...(values("brand").length ? { brand: values("brand") } : {}),
      ...(from !== undefined && to !== undefined ? { price: { min: from, max: to } } : {}),
      ...(attributes.length ? { attributes: Object.fromEntries(attributes.map(({ facet, value }) => [facet, value])) } : {}),
    },
  };
}

interface Props {
  found: Record<string, FacetValue[]>;
  narrowed: readonly Narrowed[];
  onNarrow: (narrowed: Narrowed[]) => void;
}

export function Facets({ found, narrowed, onNarrow }: Props): JSX.Element | null {
  const facets = Object.entries(found).sort(([a], [b]) => Number(b === "price") - Number(a === "price"));
  if (facets.length === 0 && narrowed.length === 0) return null;
  return (
    <Card title="Narrow down">
      {narrowed.length > 0 && (
        <ul class="chips" aria-label="Kept">
          {narrowed.map((one) => (
            <li key={`${one.facet} ${one.value}`}>
              <button type="button" class="chip" onClick={() => onNarrow(narrowed.filter((other) => other !== one))}>
                {told(one.facet, one.value)} <Icon name="close" size={14} />
                <span class="unseen"> (no longer only this)</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {facets.slice(0, FACETS).map(([facet, values]) => (
        <section key={facet} class="facet">
          <h3>{words(facet)}</h3>
          <ul class="chips">
            {values.slice(0, SHOWN).map(({ value, count: items }) => (
              <li key={value}>
                <button type="button" class="chip" onClick={() => onNarrow([...narrowed, { facet, value }])}>
                  {told(facet, value)} <span class="quiet">{count(items)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Card>
  );
}

function told(facet: string, value: string): string {
  if (facet === "category") return value.split(">").at(-1)?.trim() ?? value;
  if (facet !== "price") return value;
  const [from = 0, to = 0] = value.split("-").map(Number);
  return `${decimal(from / 100)} to ${decimal(to / 100)}`;
}

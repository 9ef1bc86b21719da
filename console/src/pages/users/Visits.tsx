// A history as visits, the newest first; within a visit, one line an item with all that was done to it.

import type { JSX } from "preact";
import { eventName, momentOf, money, since } from "../../format";
import { useItems } from "../../hooks";
import { Badge } from "../../parts/basics";
import { ItemLine, leaf } from "../../parts/ItemLine";
import type { ItemRow, PastEvent } from "../../types";

const PAUSE = 30 * 60e6; // microseconds without an event after which a visit is over, where events name no session

interface Visit {
  start: number; // microseconds
  items: Map<string, PastEvent[]>; // oldest first
}

export function Visits({ events }: { events: PastEvent[] }): JSX.Element {
  const visits = visitsOf(events);
  const rows = useItems([...new Set(events.map((event) => event.item_id))]);
  return (
    <ol>
      {visits.map((visit) => (
        <li key={visit.start} class="visit">
          <h3>
            <time dateTime={new Date(visit.start / 1000).toISOString()}>{momentOf(visit.start)}</time>{" "}
            <span class="quiet">{since(visit.start)}</span>
          </h3>
          <ol class="lines">
            {[...visit.items].map(([id, done]) => (
              <li key={id}>
                <Done id={id} events={done} row={rows.get(id)} />
              </li>
            ))}
          </ol>
        </li>
      ))}
    </ol>
  );
}

const Done = ({ id, events, row }: { id: string; events: PastEvent[]; row: ItemRow | null | undefined }): JSX.Element => (
  <ItemLine id={id} row={row} note={row ? (leaf(row.item.category) ?? " ") : undefined}>
    <span class="row end tight did">
      {merged(events).map(([event, times]) => (
        <Badge key={event.type} kind={kindOf(event.type)}>
          {eventName(event.type)}
          {detail(event, row)}
          {times > 1 && ` × ${times}`}
        </Badge>
      ))}
    </span>
  </ItemLine>
);

/** Events (newest first) as visits: one session, or events with no long pause between them. */
function visitsOf(events: PastEvent[]): Visit[] {
  const visits: Visit[] = [];
  let next: PastEvent | undefined; // the one after, which was looked at before
  for (const event of events) {
    const same =
      next && (event.session_id ? event.session_id === next.session_id : !next.session_id && next.time - event.time < PAUSE);
    let visit = visits.at(-1);
    if (!visit || !same) visits.push((visit = { start: event.time, items: new Map() }));
    visit.start = event.time;
    visit.items.set(event.item_id, [event, ...(visit.items.get(event.item_id) ?? [])]);
    next = event;
  }
  return visits;
}

/** Each type once, with the newest event of it and their number. */
function merged(events: PastEvent[]): [PastEvent, number][] {
  const found = new Map<string, [PastEvent, number]>();
  for (const event of events) found.set(event.type, [event, (found.get(event.type)?.[1] ?? 0) + 1]);
  return [...found.values()];
}

function detail(event: PastEvent, row: ItemRow | null | undefined): string {
  if (event.type === "rate" && event.value != null) return ` ${event.value}`;
  const pieces = event.quantity && event.quantity > 1 ? `${event.quantity} for` : "";
  const paid = spent(event, row);
  return paid ? ` ${pieces} ${paid}`.replace("  ", " ") : "";
}

/** The money of a purchase, said in the currency of the item. */
function spent(event: PastEvent, row: ItemRow | null | undefined): string {
  const currency = row?.item.price?.currency;
  if (event.type !== "purchase" || event.value == null || !currency) return "";
  const digits = new Intl.NumberFormat(undefined, { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  return money({ amount: Math.round(event.value * 10 ** digits), currency });
}

function kindOf(type: string): "good" | "accent" | "warn" | "plain" {
  if (type === "purchase") return "good";
  if (type === "add_to_cart" || type === "favourite" || type === "rate") return "accent";
  return type === "refund" || type === "dismiss" || type === "remove_from_cart" ? "warn" : "plain";
}

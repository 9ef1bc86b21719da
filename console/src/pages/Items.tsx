// The catalogue, and one item's page: what it is, how it fares, and its neighbours by behaviour and by content.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, path } from "../api";
import { count, decimal, eventName, money, plural, words } from "../format";
import { useAnswer, useSettled, useShop } from "../hooks";
import { Await, Badge, Bars, Card, Command, Empty } from "../parts/basics";
import { about } from "../parts/ItemLine";
import { PickItem } from "../parts/Pick";
import { Picture } from "../parts/Picture";
import { href } from "../router";
import type { Item, ItemPage, ItemRow } from "../types";
import { AlsoBought, NeighboursBy } from "./items/Neighbours";
import { Said } from "./text/Said";

const PAGE = 24;

export function ItemsPage({ id }: { id: string | null }): JSX.Element {
  return id ? <OneItem key={id} id={id} /> : <Catalogue />;
}

function Catalogue(): JSX.Element {
  const [text, setText] = useState("");
  const [trail, setTrail] = useState<string[]>([]);
  const query = useSettled(text);
  const page = useAnswer<ItemPage>(
    (api, signal) => api.get(path("/v1/catalogue", [], { query, limit: PAGE, after: trail.at(-1) }), signal),
    [query, trail.at(-1)],
  );
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Items</h1>
          <p class="quiet" role="status">
            {page.data ? `${plural(page.data.total, "item")}, the busiest first` : " "}
          </p>
        </div>
        <label class="field grow">
          <span>Search the catalogue</span>
          <input
            type="search"
            value={text}
            placeholder="Title, brand, category or id"
            onInput={(event) => {
              setText(event.currentTarget.value);
              setTrail([]);
            }}
          />
        </label>
      </header>
      <Await of={page} lines={8}>
        {({ data, has_more, last_id }) =>
          data.length === 0 ? (
            query ? (
              <Empty title={`Nothing matches “${query}”`}>
                <p>Try a shorter word, or the item’s id.</p>
              </Empty>
            ) : (
              <Empty title="The catalogue is empty">
                <p>Import a product feed: Google Merchant, Shopify, CSV, JSONL or Parquet.</p>
                <Command>aisle import items products.csv</Command>
              </Empty>
            )
          ) : (
            <>
              <ul class="grid">
                {data.map((row) => (
                  <Tile key={row.item.item_id} row={row} />
                ))}
              </ul>
              <div class="row end">
                <button type="button" disabled={trail.length === 0} onClick={() => setTrail(trail.slice(0, -1))}>
                  Back
                </button>
                <button type="button" disabled={!has_more || !last_id} onClick={() => last_id && setTrail([...trail, last_id])}>
                  Next
                </button>
              </div>
            </>
          )
        }
      </Await>
    </>
  );
}

const Tile = ({ row: { item, events } }: { row: ItemRow }): JSX.Element => (
  <li class="tile">
    <a href={href("items", item.item_id)}>
      <Picture item={item} size="medium" />
      <span class="item-title">{item.title}</span>
    </a>
    <span class="quiet">{about(item)}</span>
    <span class="quiet">
      {plural(events["view"] ?? 0, "view")}, {plural(events["purchase"] ?? 0, "sale")}
    </span>
  </li>
);

function OneItem({ id }: { id: string }): JSX.Element {
  const { tasks } = useShop();
  const found = useAnswer<ItemRow>(
    async (api, signal) => {
      const page = await api.post<ItemPage>("/v1/catalogue/lookup", { item_ids: [id] }, signal);
      const row = page.data[0];
      if (!row) throw new ApiError(404, "not_found", `There is no item “${id}” in the catalogue.`, null);
      return row;
    },
    [id],
  );
  return (
    <>
      <header class="page-head">
        <div>
          <p class="quiet crumbs">
            <a href={href("items")}>Items</a>
            {found.data?.item.category && ` › ${found.data.item.category.replaceAll(">", "›")}`}
          </p>
          <h1>{found.data?.item.title ?? id}</h1>
        </div>
        <PickItem label="Find another item" onPick={(row) => (location.hash = href("items", row.item.item_id))} />
      </header>
      <Await of={found} lines={6}>
        {(row) => (
          <>
            <div class="columns item-top">
              <Facts item={row.item} />
              <Fares row={row} />
            </div>
            <Card
              title="Neighbours"
              note="Three ways of being alike, side by side: what people did, what the words say, and both together"
            >
              <div class="columns three">
                <NeighboursBy itemId={id} by="behaviour" />
                <NeighboursBy itemId={id} by="text" />
                <NeighboursBy itemId={id} by="blend" />
              </div>
            </Card>
            <AlsoBought itemId={id} />
            {tasks.includes("text") && (
              <Card title="What is said of it" note="Labels of the shop’s texts about it, over time">
                <Said itemId={id} linked={false} />
              </Card>
            )}
          </>
        )}
      </Await>
    </>
  );
}

const Facts = ({ item }: { item: Item }): JSX.Element => (
  <Card title="The item" class="facts">
    <div class="facts-body">
      <Picture item={item} size="large" named />
      <div>
        <p class="row">
          {item.price && <b class="price">{money(item.price)}</b>}
          <Badge kind={!item.availability || item.availability === "in_stock" ? "good" : "warn"}>
            {words(item.availability ?? "in_stock")}
          </Badge>
        </p>
        {item.description && <p class="description">{item.description}</p>}
        <dl class="pairs">
          <Pair name="Id" value={item.item_id} />
          {item.brand && <Pair name="Brand" value={item.brand} />}
          {Object.entries(item.attributes ?? {}).map(([name, value]) => (
            <Pair key={name} name={words(name)} value={Array.isArray(value) ? value.join(", ") : String(value)} />
          ))}
        </dl>
      </div>
    </div>
  </Card>
);

const Pair = ({ name, value }: { name: string; value: string }): JSX.Element => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

function Fares({ row }: { row: ItemRow }): JSX.Element {
  const kinds = Object.entries(row.events).sort((a, b) => b[1] - a[1]);
  const views = row.events["view"] ?? 0;
  const sales = row.events["purchase"] ?? 0;
  return (
    <Card
      title="How it fares"
      note={row.rank === null ? "No events yet" : `Number ${count(row.rank)} of the catalogue by events`}
    >
      {kinds.length === 0 ? (
        <Empty title="Nobody has seen it yet">
          <p>Until somebody does, it is suggested by its words and category alone.</p>
        </Empty>
      ) : (
        <>
          <Bars bars={kinds.map(([type, n]) => ({ name: eventName(type), value: n, text: count(n) }))} />
          {views > 0 && <p class="quiet">{decimal((100 * sales) / views, 2)} sales for 100 views.</p>}
        </>
      )}
    </Card>
  );
}

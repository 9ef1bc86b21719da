// One item in a list: picture, title that leads to its page, and a line of what matters.

import type { ComponentChildren, JSX } from "preact";
import { money, words } from "../format";
import { href } from "../router";
import type { Item, ItemRow } from "../types";
import { Picture } from "./Picture";

interface Props {
  id: string;
  row: ItemRow | null | undefined; // undefined: not looked up yet; null: not in the catalogue
  note?: ComponentChildren; // in place of price and category
  children?: ComponentChildren; // at the end of the line
}

export const ItemLine = ({ id, row, note, children }: Props): JSX.Element => (
  <div class="item-line">
    <a class="item-link" href={href("items", id)}>
      <Picture item={row?.item} size="small" />
      <span class="item-words">
        <span class="item-title">{row?.item.title ?? id}</span>
        <span class="quiet">{note ?? (row === null ? "Not in the catalogue" : row ? about(row.item) : " ")}</span>
      </span>
    </a>
    {children}
  </div>
);

/** "€39.00 · Shirts": price, stock and the last part of the category. */
export function about(item: Item): string {
  const parts = [item.price ? money(item.price) : null, leaf(item.category)];
  if (item.availability && item.availability !== "in_stock") parts.unshift(words(item.availability));
  return parts.filter(Boolean).join(" · ");
}

export const leaf = (category: string | undefined): string | null => category?.split(">").at(-1)?.trim() ?? null;

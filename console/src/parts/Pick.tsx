// A search field with a list of what was found (the ARIA combobox pattern): arrows move, Enter takes, Escape closes.

import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { type Asked, useAnswer, useSettled } from "../hooks";
import { path } from "../api";
import type { ItemPage, ItemRow, Page, UserRow } from "../types";
import { plural, since } from "../format";
import { about } from "./ItemLine";
import { Icon } from "./icons";
import { Picture } from "./Picture";

const MOST = 8;

interface PickProps<T> {
  label: string;
  placeholder: string;
  text: string;
  onText: (text: string) => void;
  found: Asked<T[]>;
  keyOf: (one: T) => string;
  show: (one: T) => ComponentChildren;
  onPick: (one: T) => void;
}

function Pick<T>({ label, placeholder, text, onText, found, keyOf, show, onPick }: PickProps<T>): JSX.Element {
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const id = useId();
  const options = found.data ?? [];
  const active = Math.min(at, options.length - 1);
  const take = (one: T | undefined): void => {
    if (one === undefined) return;
    setOpen(false);
    onPick(one);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      setAt((active + (event.key === "ArrowDown" ? 1 : options.length - 1)) % (options.length || 1));
    } else if (event.key === "Enter" && open) {
      event.preventDefault();
      take(options[active]);
    } else if (event.key === "Escape") setOpen(false);
  };
  return (
    <div class="pick" onFocusOut={(event) => !event.currentTarget.contains(event.relatedTarget as Node | null) && setOpen(false)}>
      <label class="field grow">
        <span>{label}</span>
        <span class="pick-input">
          <Icon name="search" size={16} />
          <input
            type="text"
            role="combobox"
            aria-expanded={open}
            aria-controls={`${id}-list`}
            aria-autocomplete="list"
            {...(open && options.length ? { "aria-activedescendant": `${id}-${active}` } : {})}
            autocomplete="off"
            spellcheck={false}
            placeholder={placeholder}
            value={text}
            onInput={(event) => {
              onText(event.currentTarget.value);
              setAt(0);
              setOpen(true);
            }}
            onClick={() => setOpen(true)}
            onKeyDown={onKeyDown}
          />
        </span>
      </label>
      <ul id={`${id}-list`} role="listbox" aria-label={label} hidden={!open || options.length === 0}>
        {options.map((one, k) => (
          <li
            key={keyOf(one)}
            id={`${id}-${k}`}
            role="option"
            aria-selected={k === active}
            onMouseDown={(event) => event.preventDefault()}
            onMouseMove={() => setAt(k)}
            onClick={() => take(one)}
          >
            {show(one)}
          </li>
        ))}
      </ul>
      <p class="unseen" role="status">
        {open && !found.loading ? plural(options.length, "result") : ""}
      </p>
      {open && !found.loading && !found.error && options.length === 0 && <p class="pick-none">Nothing found for “{text}”.</p>}
      {open && found.error && <p class="pick-none">{found.error.message}</p>}
    </div>
  );
}

export function PickUser({ onPick }: { onPick: (id: string) => void }): JSX.Element {
  const [text, setText] = useState("");
  const prefix = useSettled(text);
  const found = useAnswer(
    async (api, signal) => (await api.get<Page<UserRow>>(path("/v1/users", [], { prefix, limit: MOST }), signal)).data,
    [prefix],
  );
  return (
    <Pick
      label="Find a user"
      placeholder="The beginning of a user's id"
      text={text}
      onText={setText}
      found={found}
      keyOf={(user) => user.user_id}
      show={(user) => (
        <span class="pick-row">
          <b>{user.user_id}</b>
          <span class="quiet">
            {plural(user.events, "event")}, {since(user.last_event)}
          </span>
        </span>
      )}
      onPick={(user) => {
        setText("");
        onPick(user.user_id);
      }}
    />
  );
}

interface PickItemProps {
  label: string;
  onPick: (row: ItemRow) => void;
}

export function PickItem({ label, onPick }: PickItemProps): JSX.Element {
  const [text, setText] = useState("");
  const query = useSettled(text);
  const found = useAnswer(
    async (api, signal) => (await api.get<ItemPage>(path("/v1/catalogue", [], { query, limit: MOST }), signal)).data,
    [query],
  );
  return (
    <Pick
      label={label}
      placeholder="Title or id"
      text={text}
      onText={setText}
      found={found}
      keyOf={(row) => row.item.item_id}
      show={({ item }) => (
        <span class="pick-row">
          <Picture item={item} size="small" />
          <span class="item-words">
            <span class="item-title">{item.title}</span>
            <span class="quiet">{about(item)}</span>
          </span>
        </span>
      )}
      onPick={(row) => {
        setText("");
        onPick(row);
      }}
    />
  );
}

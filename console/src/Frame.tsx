// What is around every page: the navigation, the colour scheme, signing out; and the page itself.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Mark } from "./parts/Mark";
import { Icon, type IconName } from "./parts/icons";
import { ItemsPage } from "./pages/Items";
import { ModelsPage } from "./pages/Models";
import { OverviewPage } from "./pages/Overview";
import { RulesPage } from "./pages/Rules";
import { SearchPage } from "./pages/Search";
import { PicturesPage } from "./pages/Pictures";
import { TextPage } from "./pages/Text";
import { UsersPage } from "./pages/Users";
import { VoicePage } from "./pages/Voice";
import { href, useRoute, type Route } from "./router";
import { applyScheme, readScheme, type Scheme } from "./session";

const PAGES: readonly { page: string; icon: IconName; name: string }[] = [
  { page: "", icon: "overview", name: "Overview" },
  { page: "users", icon: "users", name: "Users" },
  { page: "items", icon: "items", name: "Items" },
  { page: "search", icon: "search", name: "Search" },
  { page: "rules", icon: "rules", name: "Rules" },
  { page: "text", icon: "text", name: "Text" },
  { page: "pictures", icon: "pictures", name: "Pictures" },
  { page: "voice", icon: "microphone", name: "Voice" },
  { page: "models", icon: "models", name: "Models" },
];
const ALWAYS = 4; // pages that a telephone's bar shows; the others are behind "More"
const SCHEMES: readonly { scheme: Scheme; icon: IconName; name: string }[] = [
  { scheme: "auto", icon: "auto", name: "Auto" }, // as the system
  { scheme: "light", icon: "sun", name: "Light" },
  { scheme: "dark", icon: "moon", name: "Dark" },
];

export function Frame({ leave }: { leave: () => void }): JSX.Element {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    const name = PAGES.find(({ page }) => page === route.page)?.name ?? "Not found";
    document.title = `${route.id ? `${route.id} · ` : ""}${name} · Aisle`;
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [route.page, route.id]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the page
      </a>
      <header class="side">
        <a class="brand" href={href("")}>
          <Mark /> Aisle
        </a>
        <Pages current={route.page} />
        <div class="side-end">
          <SchemeButton />
          <button type="button" class="ghost" onClick={leave}>
            <Icon name="out" /> <span>Sign out</span>
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Shown route={route} />
      </main>
    </div>
  );
}

/** All pages in a column; on a telephone a bar of the first ones, and the others in a sheet above it. */
function Pages({ current }: { current: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  const nav = useRef<HTMLElement>(null);
  const more = useRef<HTMLButtonElement>(null);
  useEffect(() => setOpen(false), [current]);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event: Event): void => {
      if (event instanceof KeyboardEvent ? event.key !== "Escape" : nav.current?.contains(event.target as Node)) return;
      setOpen(false);
      if (event instanceof KeyboardEvent) more.current?.focus();
    };
    addEventListener("keydown", close);
    addEventListener("pointerdown", close);
    return () => {
      removeEventListener("keydown", close);
      removeEventListener("pointerdown", close);
    };
  }, [open]);
  const link = ({ page, icon, name }: (typeof PAGES)[number]): JSX.Element => (
    <li key={page}>
      <a href={href(page)} {...(page === current ? { "aria-current": "page" as const } : {})}>
        <Icon name={icon} /> {name}
      </a>
    </li>
  );
  const hidden = PAGES.slice(ALWAYS);
  return (
    <nav ref={nav} aria-label="Pages" class={open ? "open" : ""}>
      <ul>{PAGES.slice(0, ALWAYS).map(link)}</ul>
      <button
        ref={more}
        type="button"
        class={`ghost more ${hidden.some(({ page }) => page === current) ? "within" : ""}`}
        aria-expanded={open}
        aria-controls="more-pages"
        onClick={() => setOpen(!open)}
      >
        <Icon name={open ? "close" : "menu"} /> More
      </button>
      <ul id="more-pages">{hidden.map(link)}</ul>
    </nav>
  );
}

function Shown({ route }: { route: Route }): JSX.Element {
  switch (route.page) {
    case "":
      return <OverviewPage />;
    case "users":
      return <UsersPage id={route.id} />;
    case "items":
      return <ItemsPage id={route.id} />;
    case "rules":
      return <RulesPage />;
    case "search":
      return <SearchPage />;
    case "pictures":
      return <PicturesPage id={route.id} />;
    case "text":
      return <TextPage id={route.id} />;
    case "voice":
      return <VoicePage />;
    case "models":
      return <ModelsPage />;
    default:
      return (
        <>
          <h1>There is no such page</h1>
          <p>
            <a href={href("")}>To the overview</a>
          </p>
        </>
      );
  }
}

function SchemeButton(): JSX.Element {
  const [scheme, setScheme] = useState(readScheme);
  const at = SCHEMES.findIndex((one) => one.scheme === scheme);
  const now = SCHEMES[at] ?? SCHEMES[0]!;
  const next = SCHEMES[(at + 1) % SCHEMES.length] ?? SCHEMES[0]!;
  return (
    <button
      type="button"
      class="ghost"
      aria-label={`${now.name} colours. Change to ${next.name.toLowerCase()}`}
      onClick={() => {
        applyScheme(next.scheme);
        setScheme(next.scheme);
      }}
    >
      <Icon name={now.icon} /> <span>{now.name}</span>
    </button>
  );
}

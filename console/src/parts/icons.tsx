// The few icons there are, drawn on a 20 x 20 grid in the colour of the text beside them.

import type { JSX } from "preact";

const SHAPES = {
  overview: "M3 16V9.5M8 16V4M13 16v-8.5M18 16v-5",
  users: "M10 10.2a3.4 3.4 0 1 0 0-6.8 3.4 3.4 0 0 0 0 6.8ZM3.5 17c.6-3.2 3.2-5 6.5-5s5.9 1.8 6.5 5",
  items: "M3.5 6.5 10 3l6.5 3.5v7L10 17l-6.5-3.5v-7ZM3.7 6.7 10 10l6.3-3.3M10 10v6.8",
  pictures: "M3.5 4.5h13v11h-13ZM3.5 13.2l3.8-3.9 3 3 2.4-2.2 3.8 3.6M12.8 8a.9.9 0 1 0 0-.01",
  models:
    "M5 5.5a2 2 0 1 0 0 .01M15 4.5a2 2 0 1 0 0 .01M5 15a2 2 0 1 0 0 .01M15 15a2 2 0 1 0 0 .01M6.5 6.8 13.5 14M6.9 5.3 13 4.7M5 7.5V13M7 15h6",
  rules: "M3.5 6h5M12.5 6h4M10.5 3.8v4.4M3.5 14h2M9.5 14h7M7.5 11.8v4.4",
  microphone: "M10 12.5a3 3 0 0 0 3-3v-4a3 3 0 1 0-6 0v4a3 3 0 0 0 3 3ZM4.5 9.5a5.5 5.5 0 0 0 11 0M10 15v3M7.5 18h5",
  text: "M3.5 5h13M3.5 9h13M3.5 13h8M3.5 17h5",
  menu: "M3.5 5.5h13M3.5 10h13M3.5 14.5h13",
  sun: "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M4.3 15.7l1.3-1.3M14.4 5.6l1.3-1.3",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z",
  auto: "M10 3a7 7 0 1 0 0 14V3Z M10 3a7 7 0 0 1 0 14",
  out: "M12.5 6.5V4.5a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v11a1 1 0 0 0 1 1h6a1 1 0 0 0 1-1v-2M9 10h8.5M14.8 7.2 17.5 10l-2.7 2.8",
  close: "M5.5 5.5l9 9M14.5 5.5l-9 9",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM13 13l4 4",
} as const;

export type IconName = keyof typeof SHAPES;

export const Icon = ({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element => (
  <svg
    class="icon"
    width={size}
    height={size}
    viewBox="0 0 20 20"
    fill="none"
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d={SHAPES[name]} />
  </svg>
);

// The shapes of Aisle's API that the console reads. Times are microseconds since 1970 unless a name says otherwise.

export interface Money {
  amount: number; // minor units
  currency: string;
}

export interface Item {
  item_id: string;
  title: string;
  description?: string;
  brand?: string;
  category?: string; // "A > B > C"
  price?: Money;
  availability?: string;
  image_urls?: string[];
  attributes?: Record<string, string | number | boolean | string[]>;
  created_at?: number | string;
}

/** An item with what happened to it; `rank` 1 has the most events. */
export interface ItemRow {
  item: Item;
  events: Record<string, number>;
  rank: number | null;
}

export interface Page<T> {
  data: T[];
  has_more: boolean;
  last_id?: string | null;
}

export interface ItemPage extends Page<ItemRow> {
  total: number;
}

export interface UserRow {
  user_id: string;
  events: number;
  first_event: number;
  last_event: number;
}

export interface PastEvent {
  item_id: string;
  type: string;
  time: number;
  value?: number | null;
  quantity?: number | null;
  session_id?: string | null;
}

export interface History extends Page<PastEvent> {
  user_id: string;
  counts: Record<string, number>; // all events by type
}

export interface Reason {
  kind: string;
  contribution: number;
  text: string;
  item_id?: string;
}

export interface Suggestion {
  item_id: string;
  score: number;
  reasons?: Reason[];
}

export interface Suggestions {
  items: Suggestion[];
  strategy: string;
  model: string;
  answer_id: string;
  usage?: { cpu_ms: number };
}

export interface FacetValue {
  value: string;
  count: number;
}

export interface SearchAnswer {
  items: Suggestion[];
  total?: number; // that match about as well as the best
  facets?: Record<string, FacetValue[]>;
  did_you_mean?: string;
  fallback?: "meaning" | "popular";
  weights?: Record<string, number>; // of the signals that had something to say
  model: string;
  usage?: { cpu_ms: number };
}

export interface AskedFor {
  query: string;
  times: number;
  last_at: number;
  found: number;
  fallback: string;
}

export interface Searches extends Page<AskedFor> {
  asked: number;
  unanswered: number;
}

export interface SimilarUsers {
  users: { user_id: string; similarity: number }[];
  model: string;
}

/** Who asks, and what there is to ask. */
export interface Me {
  scopes: string[];
  tasks: string[];
}

export interface Overview {
  as_of: number;
  items: number;
  users: number;
  events: number;
  matched_events: number; // events that name an item of the catalogue
  first_event: number | null;
  last_event: number | null;
  warm_users: number; // users with at least `warm_at` events
  warm_at: number;
  activity: { least: number; most: number | null; users: number }[];
  completeness: Record<string, number>; // items that have a title, a picture, …
  days: { day: number[]; types: Record<string, number[]> };
}

export interface UsageResult {
  num_model_requests: number;
  num_errors: number;
  cpu_seconds: number;
  mean_latency_ms: number;
  energy_joules: number;
  task?: string;
  operation?: string;
}

export interface UsageBucket {
  start_time: number; // seconds
  end_time: number; // seconds
  results: UsageResult[];
}

export interface UsagePage {
  data: UsageBucket[];
}

/** What a merchandiser wants of every answer; see /v1/rules. */
export interface Rule {
  rule_id: string;
  action: "pin" | "boost" | "bury" | "hide" | "cap" | "again";
  items?: { include?: string[]; category?: string[]; brand?: string[] };
  operations?: string[];
  queries?: string[]; // of a search: for questions with these words
  match?: "contains" | "is";
  position?: number;
  factor?: number;
  most?: number;
  per?: "category" | "brand" | "group";
  days?: number;
  starts_at?: number;
  ends_at?: number | string;
  note?: string;
}

/** What the recogniser says of a picture (POST /v1/vision/…). Boxes are x0, y0, x1, y1 in pixels of the upright picture. */
export type Box = [number, number, number, number];

export interface Label {
  label: string;
  probability: number;
  logit: number;
}

export interface HeatMap {
  label: string;
  of: string;
  png: string; // base64
  box: Box;
}

export interface Classified {
  labels: Label[];
  known: boolean;
  familiarity: number;
  reasons?: Reason[];
  examples?: { picture_id: string; label: string; similarity: number }[];
  heat_maps?: HeatMap[];
  model: string;
}

export interface Described {
  attributes: Record<string, Label[]>;
  known: boolean;
  heat_maps?: HeatMap[];
}

/** One thing found; `categories`: what it is in the shop's own words, likeliest first. */
export interface Thing {
  label: string;
  probability: number;
  box: Box;
  by: string;
  categories?: { label: string; probability: number }[];
}

export interface Detected {
  objects: Thing[];
  width: number;
  height: number;
}

/** A piece of a text, and what it contributed to the logit of a label. */
export interface Token {
  text: string;
  contribution: number;
}

export interface Explanation {
  label: string;
  method: "exact" | "occlusion";
  bias: number;
  tokens: Token[];
}

/** What text.read answers: one text, all that is known of it. */
export interface TextRead {
  text: string; // personal data masked
  personal?: { kind: string; count: number }[];
  classifiers?: string[];
  classifier?: string;
  result?: { labels: Label[]; path?: Label[]; explanation?: Explanation; truncated?: boolean };
  language?: Label[];
  unsafe?: Label[];
  model: string;
}

/** What text.sentiment answers: what texts say of an item, period by period. */
export interface SentimentOverTime {
  item_id: string;
  labels?: string[];
  periods?: { start: number; texts: number; counts: Record<string, number>; mean: number | null }[];
  by?: "week" | "month";
  texts?: number;
  judged?: number;
  unlabelled?: number;
  undated?: number;
  mean?: number;
  more?: boolean;
}

/** What speech.transcribe answers. Times in seconds. */
export interface Transcription {
  text: string;
  probability: number;
  words?: { word: string; start: number; end: number; probability: number }[];
  alternatives?: { text: string; probability: number }[];
  duration: number;
  language?: string;
  reason?: string; // why the text is empty
  model?: string;
}

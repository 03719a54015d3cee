// Draws the list of cgroups at any size, with as many rows and columns as fit. The focused row, the keys and the
// position are always visible.

import { lastName } from "../../cgroup/open/path-names.ts";
import type { TerminalSize } from "../../sys/sys.ts";
import type { Paint } from "../streams/streams.ts";
import { sanitize } from "../text/sanitize.ts";
import { endOf, renderTable, startOf, truncate, truncateStart, widthOf } from "../text/table.ts";
import { plural, renderAge, renderBytes } from "../text/units.ts";
import { CUT, cutMiddle, firstFitting, footer, roomOf, type Style, windowOf } from "./frame.ts";
import { summarize } from "./menu.ts";
import type { Picker, PickerState, Row } from "./picker.ts";
import type { View } from "./question.ts";

/** Lines of every frame: title, keys, end. */
const FIXED = 3;
/** Minimum heights for a line of headings, a line for marks and notes, and two lines of details. */
const ROWS_FOR_HEADINGS = 9;
const ROWS_FOR_NOTES = 8;
const ROWS_FOR_DETAILS = 14;

/** The list of cgroups to pick from. */
export interface PickList {
  readonly picker: Picker;
  /** Two lines about a row: what it is, and what restarts it. */
  readonly details: (row: Row) => readonly string[];
  /** Called once it is shown, to keep it up to date. Returns a function that stops the updates. */
  readonly watch: (redraw: () => void) => () => void;
}

export function pickView({ picker, details, watch }: PickList, style: Style): View<readonly string[]> {
  return {
    isFullScreen: true,
    frame: (size) => drawPicker(picker.state(), details, size, style),
    press: (key, size) => picker.press(key, pageRows(size)),
    watch,
    summary: (answer, size) => summarize("Which cgroups?", answer?.map(sanitize).join(", "), size, style),
  };
}

function pageRows({ rows }: TerminalSize): number {
  const more = [ROWS_FOR_HEADINGS, ROWS_FOR_NOTES].filter((minRows) => rows >= minRows).length;
  return Math.max(1, rows - FIXED - more - (rows >= ROWS_FOR_DETAILS ? 2 : 0));
}

function drawPicker(state: PickerState, details: PickList["details"], size: TerminalSize, style: Style): string[] {
  const { symbols, paint } = style;
  const { shown, focus } = state;
  // It contains the name of a cgroup.
  const note = sanitize(state.note);
  const room = roomOf(size);
  const bar = (text: string): string => `${symbols.bar}  ${text}`;
  const { from, to } = windowOf(focus, shown.length, pageRows(size));
  const [headings = "", ...rows] = tableOf(shown.slice(from, to), state, room, style);
  const lines = rows.map(bar);
  if (shown.length === 0) lines.push(bar(paint.dim(firstFitting(["no cgroup matches", "none"], room))));
  const hasDetails = size.rows >= ROWS_FOR_DETAILS;
  const [what = "", more = ""] = hasDetails && shown[focus] !== undefined ? details(shown[focus]) : [];
  const below = hasDetails ? [cutMiddle(what, room), startOf(more, room)] : [];
  if (size.rows >= ROWS_FOR_NOTES) below.push(startOf(note || marksOf(state), room));
  else if (note !== "") lines[0] = bar(startOf(note, room));
  return [
    titleOf(state, room, style),
    ...(size.rows >= ROWS_FOR_HEADINGS ? [bar(paint.dim(headings))] : []),
    ...lines,
    ...below.map((line) => bar(paint.dim(line))),
    ...footer(keysOf(state, style), size, style),
  ];
}

function titleOf({ search, shown, total, focus }: PickerState, room: number, { symbols, paint }: Style): string {
  const at = shown.length === 0 ? 0 : focus + 1;
  const places =
    search === "" ? [`${at} of ${total}`] : [`${at} of ${shown.length}, ${total} in all`, `${at} of ${shown.length}`];
  const texts = ["Which cgroups?  Search: ", "Search: ", ""].flatMap((head) =>
    places.map((place) => [head, place] as const),
  );
  const wanted = Math.min(widthOf(search) + 1, 24);
  const fitting = texts.find(([one, other]) => widthOf(one) + wanted + 2 + widthOf(other) <= room);
  const [head = "", place = ""] = fitting ?? texts.at(-1) ?? [];
  const space = Math.max(1, room - widthOf(head) - widthOf(place) - 2);
  const typed = endOf(sanitize(search), space - 1);
  const gap = " ".repeat(Math.max(1, room - widthOf(head) - widthOf(typed) - 1 - widthOf(place)));
  return `${paint.good(symbols.active)}  ${paint.bold(head)}${typed}█${gap}${paint.dim(place)}`;
}

function marksOf({ marked, shown }: PickerState): string {
  if (marked.length === 0) return "";
  const procs = marked.reduce((sum, row) => sum + row.procs, 0);
  const hiddenMarks = marked.filter((row) => !shown.includes(row)).length;
  const hidden = hiddenMarks === 0 ? "" : `, ${hiddenMarks} of them not shown`;
  return `${marked.length} marked (${plural(procs, "process")}${hidden}): ${marked.map(({ name }) => sanitize(name)).join(", ")}`;
}

function keysOf({ search, sort, isTree }: PickerState, { symbols: { arrows } }: Style): string[] {
  const escape = search === "" ? "Esc leave" : "Esc clear";
  return [
    `${arrows} PgUp/PgDn Home/End move · Tab mark · Enter preview · ^O sort: ${sort} · ^T ${isTree ? "list" : "tree"} · ${escape}`,
    `${arrows} PgUp/PgDn · Tab mark · Enter preview · ^O sort · ^T tree · ${escape}`,
    `${arrows} · Tab mark · Enter preview · ^O ^T · ${escape}`,
    `Tab mark · Enter preview · ${escape}`,
    `Enter preview · ${escape}`,
    escape,
  ];
}

interface Column {
  /** As wide as the column, so that no figure moves the others, unless one is wider. */
  readonly head: string;
  readonly text: (row: Row) => string;
  /** The column is shown if this holds for any row, and the frame has this much room. */
  readonly hasValue: (row: Row) => boolean;
  readonly minRoom: number;
}

const COLUMNS: readonly Column[] = [
  { head: "PROCS", text: ({ procs }) => String(procs), hasValue: () => true, minRoom: 24 },
  {
    head: "  CPU",
    text: ({ cpu }) => (cpu === null ? "-" : `${Math.round(cpu)}%`),
    // The first value takes two readings: no row moves aside when it comes.
    hasValue: ({ isCpuCounted }) => isCpuCounted,
    minRoom: 44,
  },
  {
    head: "  MEM",
    text: ({ memoryBytes }) => (memoryBytes === null ? "-" : renderBytes(memoryBytes)),
    hasValue: ({ memoryBytes }) => memoryBytes !== null,
    minRoom: 54,
  },
  {
    head: "   AGE",
    text: ({ ageSeconds }) => (ageSeconds === null ? "-" : renderAge(ageSeconds)),
    hasValue: ({ ageSeconds }) => ageSeconds !== null,
    minRoom: 34,
  },
];
const GAP = 2;
const MIN_NAME = 12;
const MIN_COMMAND = "COMMAND".length;
const MAX_COMMAND = 40;
const ROOM_FOR_COMMAND = 66;

/** The line of headings, and one line per row. */
function tableOf(rows: readonly Row[], state: PickerState, room: number, { symbols, paint }: Style): string[] {
  const { shown, focus, search, marked } = state;
  const widest = (texts: readonly string[], min: number): number => Math.max(min, ...texts.map(widthOf));
  const numbers = COLUMNS.filter(({ minRoom, hasValue }) => room >= minRoom && shown.some(hasValue));
  const leads = rows.map((row) => {
    const pointer = row === shown[focus] ? paint.good(symbols.pointer) : " ";
    return `${pointer} ${marked.includes(row) ? paint.good(symbols.marked) : symbols.box}`;
  });
  const fixed = [widest(leads, 0), ...numbers.map(({ head, text }) => widest(rows.map(text), head.length))];
  const rest = fixed.reduce((left, width) => left - width - GAP, room);
  const notesRoom = widest(rows.map(notesOf), 0) + GAP;
  const hasNotes = notesRoom > GAP && rest - notesRoom >= MIN_NAME;
  const left = hasNotes ? rest - notesRoom : rest;
  const maxCommand = Math.min(MAX_COMMAND, Math.floor(left * 0.35));
  const hasCommand = room >= ROOM_FOR_COMMAND && maxCommand >= MIN_COMMAND;
  const commands = rows.map(({ command }) => sanitize(command));
  const command = Math.min(widest(commands, MIN_COMMAND), maxCommand);
  const wanted = search.trim().toLowerCase().split(" ")[0] ?? "";
  const names = rows.map((row) => nameOf(row, state, hasCommand ? left - command - GAP : left, wanted));
  const commandRoom = left - GAP - widest(names, "CGROUP".length);
  const cells = rows.map((row, nth) => {
    const isStrong = row === shown[focus] && !row.isGone;
    const tone = (text: string): string => (isStrong ? text : paint.dim(text));
    return [
      leads[nth] ?? "",
      ...numbers.map(({ text }) => tone(text(row))),
      highlighted(names[nth] ?? "", wanted, isStrong ? paint.bold : tone, paint.good),
      ...(hasNotes ? [paint.bad(notesOf(row))] : []),
      ...(hasCommand ? [tone(startOf(commands[nth] ?? "", commandRoom))] : []),
    ];
  });
  const heads = ["", ...numbers.map(({ head }) => head), "CGROUP", ...(hasNotes ? [""] : [])];
  return renderTable(hasCommand ? [...heads, "COMMAND"] : heads, cells, {
    right: [...numbers.keys()].map((at) => at + 1),
  });
}

const notesOf = ({ notes, isTopLevel, refusal }: Row): string =>
  [refusal !== null ? "refused" : isTopLevel ? "top-level" : "", notes].filter(Boolean).join(" ");

/** What is left of a name that is cut beside its label: its end says the most. */
const MAX_CUT_NAME = 8;
/** Less of a label says nothing. */
const MIN_CUT_LABEL = 8;

/**
 * In the tree, the last component, indented below its parent; otherwise the whole name, after its label if it has one.
 * If both do not fit, the label gives way to a name that does; of a longer name, such as the id of a container, the end
 * is shown.
 */
function nameOf({ name, depth, label }: Row, { isTree, search }: PickerState, width: number, wanted: string): string {
  const whole = sanitize(name);
  if (isTree && search === "") {
    return cutMiddle(`${"  ".repeat(depth)}${lastName(whole)}`, width);
  }
  if (label === null) return cutMiddle(whole, width, wanted);
  const about = sanitize(label);
  const both = `${about}  ${whole}`;
  const shortest = widthOf(whole) <= width ? widthOf(whole) : Math.min(MAX_CUT_NAME, Math.floor(width / 3));
  const room = width - shortest - 2;
  const head = widthOf(about) > room && room < MIN_CUT_LABEL ? "" : `${truncate(about, room, CUT)}  `;
  const cut = `${head}${truncateStart(whole, width - widthOf(head), CUT)}`;
  return cut.toLowerCase().includes(wanted) ? cut : cutMiddle(both, width, wanted);
}

function highlighted(text: string, wanted: string, paint: Paint["bold"], mark: Paint["good"]): string {
  const at = wanted === "" ? -1 : text.toLowerCase().indexOf(wanted);
  if (at < 0) return paint(text);
  const end = at + wanted.length;
  return `${paint(text.slice(0, at))}${mark(text.slice(at, end))}${paint(text.slice(end))}`;
}

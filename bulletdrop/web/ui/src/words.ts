// Numbers as people read them; the same rules as words.py.

/** Bytes as people say them: "214 MB", "1.4 MB". */
export function size(count: number): string {
  if (count < 1024) return `${count} byte${count === 1 ? "" : "s"}`;
  let value = count;
  let unit = "bytes";
  for (unit of ["KB", "MB", "GB", "TB"]) {
    value /= 1024;
    if (value < 999.5) break;
  }
  return `${(value < 9.95 ? value.toFixed(1) : value.toFixed(0)).replace(/\.0$/, "")} ${unit}`;
}

/** "1 file", "3 files". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

// Delete with undo: the tile goes at once, the server is told, ten seconds to think again.
import { say } from "./said";
import { Refused, send } from "./server";
import { lift, tiles } from "./tiles";

/** Put a tile's drop into the trash, and offer to take it back. */
export async function trash(tile: HTMLElement): Promise<void> {
  const id = tile.dataset.id ?? "";
  const all = tiles();
  const neighbour = all[all.indexOf(tile) + 1] ?? all[all.indexOf(tile) - 1];
  const hadFocus = tile.contains(document.activeElement);
  const putBack = lift(tile);
  if (hadFocus) neighbour?.querySelector<HTMLElement>(".tile-open")?.focus();
  try {
    await send("DELETE", `/api/v1/uploads/${id}`);
  } catch (error) {
    putBack();
    say(error instanceof Refused ? error.message : "It could not be deleted. Try again.");
    return;
  }
  say("Deleted. Its links no longer work.", { words: "Undo", run: () => void restore(id, tile, putBack) });
}

async function restore(id: string, tile: HTMLElement, putBack: () => void): Promise<void> {
  try {
    await send("POST", `/api/v1/uploads/${id}/restore`);
  } catch (error) {
    say(error instanceof Refused ? error.message : "It could not be restored. It is in the trash.");
    return;
  }
  putBack();
  tile.querySelector<HTMLElement>(".tile-open")?.focus();
  say("Restored. Its links work again.");
}

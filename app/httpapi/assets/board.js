// Reads the compact board. Give it what it returned before, and only changes travel.
// states[i] is 0 (available), 1 (reserved) or 2 (sold) for number number_start + i.
async function readBoard(address, totalNumbers, before) {
  const since = before ? '?since=' + encodeURIComponent(before.etag) : '';
  const answer = await fetch(address + since);
  if (!answer.ok) throw new Error('the board answered ' + answer.status);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const board = { etag: answer.headers.get('ETag'), states: new Uint8Array(totalNumbers) };
  if (before && bytes[0] === 1) {
    board.states.set(before.states);
    const view = new DataView(bytes.buffer);
    for (let at = 1; at < bytes.length; at += 4) {
      const change = view.getUint32(at, true);
      board.states[change >> 2] = change & 3;
    }
  } else {
    const packed = before ? bytes.subarray(1) : bytes;
    board.states.forEach((_, i, states) => { states[i] = (packed[i >> 2] >> (2 * (i % 4))) & 3; });
  }
  return board;
}

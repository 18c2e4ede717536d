import type { Guard } from "./guard.ts";

/** Who has a socket and is not named yet. */
export const WAITING: Guard[] = [
  {
    file: "waiting/room.ts",
    find: "if (leaving >= this.most) throw tooMany();",
    replace: "",
    sentence: "as many sockets wait for their close as anybody opens",
    tests: ["waiting/room"],
  },
  {
    file: "waiting/room.ts",
    find: "if (leavingHere >= MAX_PER_ADDRESS) throw tooMany();",
    replace: "",
    sentence: "one address has all the sockets that wait for their close",
    tests: ["waiting/room"],
  },
  {
    file: "waiting/room.ts",
    find: "else if (this.#waiting.size >= this.most) this.#makeRoom(this.#waiting, this.most);",
    replace: "",
    sentence: "as many sockets wait to be named as anybody opens",
    tests: ["waiting/room"],
  },
  {
    file: "waiting/room.ts",
    find:
      "if (here.waiting.size >= MAX_PER_ADDRESS) this.#makeRoom(here.waiting, MAX_PER_ADDRESS);\n    else if",
    replace: "if",
    sentence: "one address takes the room of all who wait to be named",
    tests: ["waiting/room"],
  },
  {
    file: "waiting/room.ts",
    find: "if (waiting.size < BURST * bound && this.now() - since < GRACE_MS) return;",
    replace: "",
    sentence: "who has not had the time to bring a token gives way to others",
    tests: ["waiting/room"],
  },
  {
    file: "waiting/waiter.ts",
    find: "this.#stopTimer = awake.after(WAIT_MS, () => this.#timeUp());",
    replace: "this.#stopTimer = () => {};",
    sentence: "a socket that nobody is named for stays",
    tests: ["waiting/waiter"],
  },
  {
    file: "waiting/held.ts",
    find: "if (this.isFull || length > MAX_HELD_LENGTH) {",
    replace: "if (this.isFull) {",
    sentence: "what is kept for a socket that is not named yet has no bound",
    tests: ["waiting/waiter"],
  },
  {
    file: "waiting/answers.ts",
    find: "(client.bufferedAmount ?? 0) + text.length > MAX_HELD_LENGTH;",
    replace: "false;",
    sentence: "who is not named and reads nothing is answered more and more",
    tests: ["waiting/waiter"],
  },
  {
    file: "waiting/answers.ts",
    find: " || !this.#backlog.hasRoom(text.length)",
    replace: "",
    sentence: "what those who are not named leave unread is in nobody's sum",
    tests: ["waiting/waiter"],
    isSought: true,
  },
  {
    file: "waiting/waiter.ts",
    find: "if (joinRef != null && joinRef !== frame.join_ref) return;",
    replace: "",
    sentence: "a leave of another join takes one that waits, unanswered",
    tests: ["waiting/waiter"],
  },
  {
    file: "waiting/waiter.ts",
    find: "for (const key of given) authorizeKey(key, config);",
    replace: "",
    sentence: "a secret key in a frame does not end a socket that is not named yet",
    tests: ["waiting/waiter"],
  },
  {
    file: "waiting/waiter.ts",
    find: "if (size > this.options.config.maxFrameBytes) throw tooMuch();",
    replace: "",
    sentence: "a socket that is not named yet sends messages of any size",
    tests: ["waiting/waiter"],
  },
  {
    file: "waiting/waiter.ts",
    find: "this.#account.check();",
    replace: "",
    sentence: "tokens of a socket that is not named yet are checked at no cost",
    tests: ["waiting/waiter"],
  },
];

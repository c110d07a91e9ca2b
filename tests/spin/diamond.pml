/* A fork of three. ta: two attempts, then discarded. tb: no way out. tc: errors go to the sink `bad`. Merge `nested`. */
#define TOKENS 5
#define BARRIERS 1
#define tok_r 0
#define tok_a 1
#define tok_b 2
#define tok_c 3
#define tok_m 4
#define G 1
#define TA 2
#define TB 3
#define TC 4
#define J 5
#define OUT 6
#define BAD 7
#define START G
#define WIDTH(x) 3
#define POLICY(x) OUTER
#define NEEDED(x) 2
#define NODE(x) J
#define HOLDER(x, s) ((s) + 1)
#define RESULT(x) tok_m
#define AFTER(x) OUT
#define BENEATH(x) NONE
#define BENEATH_SLOT(x) 0
#define DONE(t) (ph[t] == ABSENT || ph[t] == ENDED)
#define AT_REST DONE(tok_r) && DONE(tok_a) && DONE(tok_b) && DONE(tok_c) && DONE(tok_m) && (!there[0] || verdict[0] != OPEN)

#include "machine.pml"

inline forks() { ph[tok_r] = ENDED; fate[tok_r] = FORKED; go(tok_a, TA, PLAIN); go(tok_b, TB, PLAIN); go(tok_c, TC, PLAIN) }
inline loses_it(t, f, s) { finish_token(t, f); lose(0, s) }
inline to_bad() { go(tok_c, BAD, BY_ERROR); lose(0, 2) }

active proctype machine() {
  do
  RUN
  BEGINS(tok_r, G)
  ENDS(tok_r, G, forks())
  ENDS(tok_r, G, finish_token(tok_r, FAILED))
  BEGINS(tok_a, TA)
  ENDS(tok_a, TA, go(tok_a, J, PLAIN))
  ENDS(tok_a, TA, loses_it(tok_a, DISCARDED, 0))
  ENDS(tok_a, TA, loses_it(tok_a, QUARANTINED, 0))
  TRIES_AGAIN(tok_a, TA, 2)
  GIVES_UP(tok_a, TA, 2, loses_it(tok_a, QUARANTINED, 0))
  BEGINS(tok_b, TB)
  ENDS(tok_b, TB, go(tok_b, J, PLAIN))
  ENDS(tok_b, TB, loses_it(tok_b, DISCARDED, 1))
  ENDS(tok_b, TB, loses_it(tok_b, FAILED, 1))
  BEGINS(tok_c, TC)
  ENDS(tok_c, TC, go(tok_c, J, PLAIN))
  ENDS(tok_c, TC, loses_it(tok_c, DISCARDED, 2))
  ENDS(tok_c, TC, to_bad())
  SINK(tok_c, BAD)
  ARRIVES(tok_a, 0, 0)
  ARRIVES(tok_b, 0, 1)
  ARRIVES(tok_c, 0, 2)
  EXPIRES(0)
  SINK(tok_m, OUT)
  od;
end_over:
  false
}

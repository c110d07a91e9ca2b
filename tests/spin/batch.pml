/* A passthrough batch inside a joined branch, and a gate that routes before it. A failed flush loses the branch that the member owes. */
#define TOKENS 4
#define tok_r 0
#define tok_a 1
#define tok_b 2
#define tok_m 3
#define G 1
#define GR 2
#define AGG 3
#define TB 4
#define J 5
#define OUT 6
#define SIDE 7
#define BARRIERS 1
#define START G
#define J_ 0
#define WIDTH(x) 2
#define POLICY(x) OUTER
#define NEEDED(x) 1
#define NODE(x) J
#define HOLDER(x, s) ((s) == 0 -> tok_a : tok_b)
#define RESULT(x) tok_m
#define AFTER(x) OUT
#define BENEATH(x) NONE
#define BENEATH_SLOT(x) 0
#define TIMEOUT 1
#define CONDITION 2
#define SOURCE_OVER 3
#define DONE(t) (ph[t] == ABSENT || ph[t] == ENDED)
#define RESOLVED(b) (!there[b] || verdict[b] != OPEN)
#define AT_REST DONE(tok_r) && DONE(tok_a) && DONE(tok_b) && DONE(tok_m) && RESOLVED(J_) && batch != 1 && batch != 2

#include "machine.pml"

inline forks() { ph[tok_r] = ENDED; fate[tok_r] = FORKED; go(tok_a, GR, PLAIN); go(tok_b, TB, PLAIN) }
inline loses_it(t, f, s) { finish_token(t, f); lose(J_, s) }
inline to_side(t, how, s) { go(t, SIDE, how); lose(J_, s) }

active proctype machine() {
  do
  RUN
  BEGINS(tok_r, G)
  ENDS(tok_r, G, forks())
  ENDS(tok_r, G, finish_token(tok_r, FAILED))
  BEGINS(tok_a, GR)
  ENDS(tok_a, GR, go(tok_a, AGG, PLAIN))
  ENDS(tok_a, GR, to_side(tok_a, BY_ROUTE, 0))
  ENDS(tok_a, GR, loses_it(tok_a, DISCARDED, 0))
  ENDS(tok_a, GR, to_side(tok_a, BY_ERROR, 0))
  SINK(tok_a, SIDE)
  :: d_step { HERE(tok_a, AGG, READY) -> ph[tok_a] = BUFFERED; batch = 1 }
  CLOSED_BY(TIMEOUT, true)
  CLOSED_BY(CONDITION, true)
  CLOSED_BY(SOURCE_OVER, ended)
  ANSWERED(go(tok_a, J, PLAIN))
  ANSWERED(loses_it(tok_a, FAILED, 0); batch = 4)
  ANSWERED(loses_it(tok_a, FAILED, 0); batch = 4)
  ANSWERED(loses_it(tok_a, FAILED, 0); batch = 4)
  BEGINS(tok_b, TB)
  ENDS(tok_b, TB, go(tok_b, J, PLAIN))
  ENDS(tok_b, TB, loses_it(tok_b, DISCARDED, 1))
  ENDS(tok_b, TB, loses_it(tok_b, QUARANTINED, 1))
  ARRIVES(tok_a, J_, 0)
  ARRIVES(tok_b, J_, 1)
  EXPIRES(J_)
  SINK(tok_m, OUT)
  od;
end_over:
  false
}

/* Debts that end at an edge. The gate gi of branch a goes on to j, or forks: its inner coalesce ji leads to a sink only, so the fork loses
   branch a. The gate gb of branch b goes on to j, or routes to a sink, which loses b. Merge `nested`. */
#define TOKENS 7
#define tok_r 0
#define tok_a 1
#define tok_b 2
#define tok_p 3
#define tok_q 4
#define tok_mi 5
#define tok_m 6
#define G 1
#define GI 2
#define GB 3
#define TP 4
#define JI 5
#define J 6
#define GE 7
#define OUT 8
#define BARRIERS 2
#define START G
#define J_ 0
#define JI_ 1
#define WIDTH(x) 2
#define POLICY(x) ((x) == J_ -> OUTER : INNER)
#define NEEDED(x) 1
#define NODE(x) ((x) == J_ -> J : JI)
#define HOLDER(x, s) ((x) == J_ -> ((s) == 0 -> tok_a : tok_b) : ((s) == 0 -> tok_p : tok_q))
#define RESULT(x) ((x) == J_ -> tok_m : tok_mi)
#define AFTER(x) ((x) == J_ -> GE : OUT)
#define BENEATH(x) NONE
#define BENEATH_SLOT(x) 0
#define DONE(t) (ph[t] == ABSENT || ph[t] == ENDED)
#define RESOLVED(b) (!there[b] || verdict[b] != OPEN)
#define AT_REST DONE(tok_r) && DONE(tok_a) && DONE(tok_b) && DONE(tok_p) && DONE(tok_q) && DONE(tok_mi) && DONE(tok_m) \
  && RESOLVED(J_) && RESOLVED(JI_)

#include "machine.pml"

inline forks() { ph[tok_r] = ENDED; fate[tok_r] = FORKED; go(tok_a, GI, PLAIN); go(tok_b, GB, PLAIN) }
inline forks_away() {
  ph[tok_a] = ENDED; fate[tok_a] = FORKED; go(tok_p, TP, PLAIN); go(tok_q, JI, PLAIN); lose(J_, 0)
}
inline loses_it(t, f, which, s) { finish_token(t, f); lose(which, s) }
inline to_out(t, which, s) { go(t, OUT, BY_ROUTE); lose(which, s) }

active proctype machine() {
  do
  RUN
  BEGINS(tok_r, G)
  ENDS(tok_r, G, forks())
  ENDS(tok_r, G, finish_token(tok_r, FAILED))
  BEGINS(tok_a, GI)
  ENDS(tok_a, GI, go(tok_a, J, PLAIN))
  ENDS(tok_a, GI, forks_away())
  ENDS(tok_a, GI, loses_it(tok_a, FAILED, J_, 0))
  BEGINS(tok_b, GB)
  ENDS(tok_b, GB, go(tok_b, J, PLAIN))
  ENDS(tok_b, GB, to_out(tok_b, J_, 1))
  ENDS(tok_b, GB, loses_it(tok_b, QUARANTINED, J_, 1))
  SINK(tok_b, OUT)
  BEGINS(tok_p, TP)
  ENDS(tok_p, TP, go(tok_p, JI, PLAIN))
  ENDS(tok_p, TP, loses_it(tok_p, DISCARDED, JI_, 0))
  ENDS(tok_p, TP, loses_it(tok_p, QUARANTINED, JI_, 0))
  ARRIVES(tok_p, JI_, 0)
  ARRIVES(tok_q, JI_, 1)
  EXPIRES(JI_)
  SINK(tok_mi, OUT)
  ARRIVES(tok_a, J_, 0)
  ARRIVES(tok_b, J_, 1)
  EXPIRES(J_)
  BEGINS(tok_m, GE)
  ENDS(tok_m, GE, go(tok_m, OUT, PLAIN))
  ENDS(tok_m, GE, finish_token(tok_m, DISCARDED))
  ENDS(tok_m, GE, finish_token(tok_m, FAILED))
  SINK(tok_m, OUT)
  od;
end_over:
  false
}

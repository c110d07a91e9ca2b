/* An inner fork of three beneath an owed branch: p and q are joined at ji, r owes nothing and goes to `side`. Merge `select` of q at
   the inner coalesce, so a merge without q fails; `nested` at the outer one. */
#define TOKENS 8
#define tok_r 0
#define tok_a 1
#define tok_b 2
#define tok_p 3
#define tok_q 4
#define tok_x 5
#define tok_mi 6
#define tok_m 7
#define G 1
#define GI 2
#define TP 3
#define TR 4
#define JI 5
#define J 6
#define OUT 7
#define SIDE 8
#define BARRIERS 2
#define START G
#define J_ 0
#define JI_ 1
#define WIDTH(x) 2
#define POLICY(x) ((x) == J_ -> OUTER : INNER)
#define NEEDED(x) 1
#define NODE(x) ((x) == J_ -> J : JI)
#define HOLDER(x, s) ((x) == J_ -> ((s) == 0 -> tok_mi : tok_b) : ((s) == 0 -> tok_p : tok_q))
#define RESULT(x) ((x) == J_ -> tok_m : tok_mi)
#define AFTER(x) ((x) == J_ -> OUT : J)
#define BENEATH(x) ((x) == J_ -> NONE : J_)
#define BENEATH_SLOT(x) 0
#define SELECTED(x) ((x) == J_ -> NONE : 1)
#define DONE(t) (ph[t] == ABSENT || ph[t] == ENDED)
#define RESOLVED(b) (!there[b] || verdict[b] != OPEN)
#define AT_REST DONE(tok_r) && DONE(tok_a) && DONE(tok_b) && DONE(tok_p) && DONE(tok_q) && DONE(tok_x) && DONE(tok_mi) \
  && DONE(tok_m) && RESOLVED(J_) && RESOLVED(JI_)

#include "machine.pml"

inline forks() { ph[tok_r] = ENDED; fate[tok_r] = FORKED; go(tok_a, GI, PLAIN); go(tok_b, J, PLAIN) }
inline forks_inside() {
  ph[tok_a] = ENDED; fate[tok_a] = FORKED; go(tok_p, TP, PLAIN); go(tok_q, JI, PLAIN); go(tok_x, TR, PLAIN)
}
inline loses_it(t, f, which, s) { finish_token(t, f); lose(which, s) }
inline to_side(t, which, s) { go(t, SIDE, BY_ERROR); lose(which, s) }

active proctype machine() {
  do
  RUN
  BEGINS(tok_r, G)
  ENDS(tok_r, G, forks())
  ENDS(tok_r, G, finish_token(tok_r, FAILED))
  BEGINS(tok_a, GI)
  ENDS(tok_a, GI, forks_inside())
  ENDS(tok_a, GI, to_side(tok_a, J_, 0))
  SINK(tok_a, SIDE)
  BEGINS(tok_p, TP)
  ENDS(tok_p, TP, go(tok_p, JI, PLAIN))
  ENDS(tok_p, TP, loses_it(tok_p, DISCARDED, JI_, 0))
  ENDS(tok_p, TP, to_side(tok_p, JI_, 0))
  SINK(tok_p, SIDE)
  BEGINS(tok_x, TR)
  ENDS(tok_x, TR, go(tok_x, SIDE, PLAIN))
  ENDS(tok_x, TR, finish_token(tok_x, DISCARDED))
  ENDS(tok_x, TR, finish_token(tok_x, QUARANTINED))
  SINK(tok_x, SIDE)
  ARRIVES(tok_p, JI_, 0)
  ARRIVES(tok_q, JI_, 1)
  EXPIRES(JI_)
  ARRIVES(tok_mi, J_, 0)
  ARRIVES(tok_b, J_, 1)
  EXPIRES(J_)
  SINK(tok_m, OUT)
  od;
end_over:
  false
}

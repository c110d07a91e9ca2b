// A barrier in C++17 and its adapter, in one file: `g++ -std=c++17 -O2 -o barrier barrier.cpp`, then
// `fateline conform -- ./barrier`. It speaks specs/protocol.md: one JSON object a line in, one out, and needs no library.
// `./barrier --bug quorum-off-by-one` switches a seeded bug on, to see that the judge finds it.

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

// ---- JSON, as much as the messages need -------------------------------------------------------------------------------

struct Json {
    enum Kind { nothing, text, other, list, object } kind = nothing;
    std::string value;  // of a text, or the letters of a number, true, false or null
    std::vector<Json> items;
    std::map<std::string, Json> keys;

    const Json &operator[](const std::string &key) const {
        static const Json missing;
        auto found = keys.find(key);
        return found == keys.end() ? missing : found->second;
    }
};

struct Reader {
    const std::string &line;
    size_t at = 0;

    [[noreturn]] void fail(const std::string &why) const { throw std::runtime_error("byte " + std::to_string(at) + ": " + why); }

    char next() {
        while (at < line.size() && std::isspace(static_cast<unsigned char>(line[at]))) ++at;
        if (at == line.size()) fail("the line ends too early");
        return line[at];
    }

    void expect(char sign) {
        if (next() != sign) fail(std::string("expected ") + sign);
        ++at;
    }

    std::string quoted() {
        std::string found;
        expect('"');
        while (at < line.size() && line[at] != '"') {
            if (line[at] != '\\') { found += line[at++]; continue; }
            if (at + 1 == line.size()) break;
            char escaped = line[at + 1];
            if (escaped == 'u') fail("this example reads no \\u escapes");
            found += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
            at += 2;
        }
        if (at == line.size()) fail("a text has no end");
        ++at;
        return found;
    }

    Json read(int depth = 0) {
        Json found;
        if (depth > 32) fail("nested too deeply");
        char sign = next();
        if (sign == '"') {
            found.kind = Json::text;
            found.value = quoted();
        } else if (sign == '{' || sign == '[') {
            found.kind = sign == '{' ? Json::object : Json::list;
            char end = sign == '{' ? '}' : ']';
            for (++at; next() != end;) {
                if (found.kind == Json::object) {
                    std::string key = quoted();
                    expect(':');
                    found.keys[key] = read(depth + 1);
                } else {
                    found.items.push_back(read(depth + 1));
                }
                if (next() == ',') ++at;
            }
            ++at;
        } else {
            found.kind = Json::other;
            while (at < line.size() && !std::strchr(",]} \t", line[at])) found.value += line[at++];
        }
        return found;
    }
};

std::string quoted(const std::string &plain) {
    std::string found = "\"";
    for (char sign : plain) found += sign == '"' || sign == '\\' ? std::string{'\\', sign} : std::string(1, sign);
    return found + "\"";
}

// ---- The engine: one barrier -------------------------------------------------------------------------------------------

struct Refused { std::string why; };

struct Barrier {
    enum State { awaited, held, lost, ended };

    std::string node, policy, verdict;
    std::vector<std::string> branches;
    std::map<std::string, State> state;
    size_t quorum = 0;
    bool deadline = false, begun = false, bug = false;
    std::vector<std::string> records;

    size_t count(State wanted) const {
        size_t found = 0;
        for (auto &one : state) found += one.second == wanted;
        return found;
    }

    std::string listed(State wanted) const {  // in declared order
        std::string found;
        for (auto &branch : branches)
            if (state.at(branch) == wanted) found += (found.empty() ? "" : ",") + branch;
        return found;
    }

    void write(const std::string &relation, const std::vector<std::pair<std::string, std::string>> &columns) {
        std::ostringstream record;
        record << "{\"rec\":" << quoted(relation) << ",\"run\":\"r\"";
        for (auto &[name, value] : columns) record << "," << quoted(name) << ":" << (name == "ordinal" ? value : quoted(value));
        records.push_back(record.str() + "}");
    }

    void resolve(const std::string &trigger, const std::string &reason) {  // no reason: merge
        std::string arrived = listed(held), gone = listed(lost);
        std::string word = reason.empty() ? "merged" : "failed";
        std::vector<std::pair<std::string, std::string>> columns = {
            {"barrier", node}, {"node", node}, {"fork_group", "fork"}, {"verdict", word}, {"trigger", trigger},
            {"arrived", arrived}, {"lost", gone}};
        if (reason.empty()) {
            write("tokens", {{"row", "0"}, {"token", "merged"}, {"group_kind", "join"}, {"group", "merged"}});
            columns.push_back({"result", "merged"});
        } else {
            columns.push_back({"reason", reason});
        }
        int ordinal = 0;
        for (auto &branch : branches) {
            if (state[branch] != held) continue;
            state[branch] = ended;
            if (reason.empty()) {
                write("parents", {{"child", "merged"}, {"parent", branch}, {"ordinal", std::to_string(ordinal++)}});
                write("outcomes", {{"token", branch}, {"outcome", "coalesced"}, {"group", "merged"}});
            } else {
                write("outcomes", {{"token", branch}, {"outcome", "failed"}, {"error", reason}, {"reason", reason}});
            }
        }
        write("barriers", columns);
        verdict = word;
    }

    void decide(const std::string &trigger) {
        size_t arrived = count(held), gone = count(lost), n = branches.size();
        size_t needed = policy == "quorum" ? quorum - bug : policy == "first" ? 1 : n;
        if (trigger == "deadline" || trigger == "flush") {
            if (policy == "best_effort" && arrived) return resolve(trigger, "");
            return resolve(trigger, policy == "require_all" ? "incomplete_branches"
                                    : policy == "quorum" ? "quorum_not_met" : "no_arrivals");
        }
        if (policy == "best_effort") {
            if (arrived + gone < n) return;
            return resolve(trigger, arrived ? "" : "all_branches_lost");
        }
        if (arrived >= needed) return resolve(trigger, "");
        if (policy == "require_all" && gone) return resolve(trigger, "branch_lost");
        if (policy == "quorum" && n - gone < quorum) return resolve(trigger, "quorum_impossible");
        if (policy == "first" && gone == n) return resolve(trigger, "all_branches_lost");
    }

    void take(const std::string &event, const std::string &branch) {
        if (event == "deadline" || event == "flush") {
            if (!begun) throw Refused{"unknown_barrier"};
            if (!verdict.empty()) throw Refused{"already_resolved"};
            if (event == "deadline" && !deadline) throw Refused{"no_deadline"};
            return decide(event);
        }
        auto found = state.find(branch);
        if (found == state.end()) throw Refused{"no_frame"};
        if (found->second == lost) throw Refused{"branch_lost"};
        if (found->second != awaited) throw Refused{"branch_held"};
        if (event == "arrive" && !verdict.empty()) {
            found->second = ended;
            std::string late = verdict == "merged" ? "late_arrival_after_merge" : "late_arrival_after_failure";
            return write("outcomes", {{"token", branch}, {"outcome", "failed"}, {"error", late}, {"reason", late}});
        }
        if (!verdict.empty()) return;  // a loss after the end changes nothing
        begun = true;
        found->second = event == "arrive" ? held : lost;
        if (event == "lose") {
            write("losses", {{"barrier", node}, {"branch", branch}, {"token", branch}, {"reason", "discarded"}});
            write("outcomes", {{"token", branch}, {"outcome", "discarded"}, {"reason", "gate_discard"}});
        }
        decide(event == "arrive" ? "arrival" : "loss");
    }
};

// ---- The adapter: it translates, and decides nothing --------------------------------------------------------------------

const char *HELLO =
    R"("name":"small-cpp-barrier","version":"1","law_version":"2","ports":["barrier"],)"
    R"("does":["require_all","quorum","best_effort","first","nested","deadlines"],)"
    R"("shows":["barriers","losses","reasons","refusals"],"drive":"lockstep","clock":"injected")";

std::string answer(const Json &asked, Barrier &barrier, bool bug) {
    const std::string &ask = asked["ask"].value;
    if (ask == "hello") return HELLO;
    if (ask == "start_barrier") {
        const Json &node = asked["coalesce"];
        barrier = Barrier();
        barrier.node = node["name"].value;
        barrier.policy = node["policy"].value;
        barrier.quorum = std::strtoul(node["quorum_count"].value.c_str(), nullptr, 10);
        barrier.deadline = node["timeout_seconds"].kind == Json::other;
        barrier.bug = bug;
        std::string tokens = "\"\":\"fork\"";
        for (auto &branch : node["branches"].items) {
            barrier.branches.push_back(branch.value);
            barrier.state[branch.value] = Barrier::awaited;
            tokens += "," + quoted(branch.value) + ":" + quoted(branch.value);
        }
        return "\"tokens\":{" + tokens + "}";
    }
    if (ask != "barrier") return "\"error\":{\"message\":" + quoted("what is " + ask + "?") + "}";
    barrier.records.clear();
    try {
        barrier.take(asked["do"].value, asked["branch"].value);
    } catch (const Refused &refused) {
        return "\"replies\":[{\"refused\":" + quoted(refused.why) + "}]";
    }
    std::string records;
    for (auto &record : barrier.records) records += (records.empty() ? "" : ",") + record;
    return "\"replies\":[{\"records\":[" + records + "]}]";
}

int main(int count, char **arguments) {
    bool bug = count == 3 && std::string(arguments[1]) == "--bug" && std::string(arguments[2]) == "quorum-off-by-one";
    Barrier barrier;
    for (std::string line; std::getline(std::cin, line);) {
        Json asked = Reader{line}.read();
        if (asked["ask"].value == "bye") return 0;
        std::cout << "{\"id\":" << asked["id"].value << "," << answer(asked, barrier, bug) << "}" << std::endl;
    }
}

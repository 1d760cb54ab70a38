// KMIP as tape libraries use it, over mutual TLS: against PyKMIP's server, asked by the same client, and
// against a server on the same TLS stack that does nothing but sync an audit record for each message.
#include <algorithm>
#include <cstdio>

#include "harness.h"
#include "kmip_client.h"
#include "kmip_messages.h"
#include "kmip_site.h"
#include "lone_commits.h"

namespace tapewarden::bench {
namespace {

constexpr unsigned kRounds = 11;
constexpr unsigned kThousand = 1000;
constexpr unsigned kStep = 7919;  // a prime: keys are asked for all over the table
constexpr double kPyKmipGoal = 100;
constexpr double kPyKmipPairGoal = 20;
constexpr double kEchoGoal = 0.8;
constexpr double kLoneCommitsGoal = 2;
constexpr double kLocateGoal = 5;    // milliseconds
constexpr unsigned kInFlight = 64;   // connections, for what is made durably
constexpr unsigned kGets = 5000;     // of one round
constexpr unsigned kCreates = 1000;  // likewise
constexpr unsigned kSlowGets = 200;  // of PyKMIP
constexpr unsigned kSlowLocates = 4;
constexpr unsigned kSlowCreates = 80;

using Conversation = KmipClient::Conversation;

std::string count_text(unsigned keys) {
  if (keys % 1'000'000 == 0) return std::to_string(keys / 1'000'000) + "m";
  return std::to_string(keys / 1000) + "k";
}
std::string named(const char* what, unsigned keys, unsigned connections) {
  return "kmip-" + std::string(what) + "-" + count_text(keys) + "-x" + std::to_string(connections);
}

Conversation gets(const std::vector<std::string>& ids) {
  return [&ids](unsigned piece, ByteView answer) -> Result<std::optional<Bytes>> {
    if (answer.empty()) return kmip14::get(ids[std::size_t{piece} * kStep % ids.size()]);
    TRY(kmip14::check_key(answer));
    return std::nullopt;
  };
}

Conversation locates(const std::vector<std::string>& ids) {
  return [&ids](unsigned piece, ByteView answer) -> Result<std::optional<Bytes>> {
    const std::size_t place = std::size_t{piece} * kStep % ids.size();
    if (answer.empty()) return kmip14::locate(kmip14::application_data(place));
    if (TRY(kmip14::identifier_in(answer)) == ids[place]) return std::nullopt;
    return fail(ErrorCode::kWrongKey, "another key was found");
  };
}

// Makes keys that none had before, numbered from `next` on, and gets each when `get` is set.
Conversation creates(std::uint64_t first, bool get) {
  return [first, get](unsigned piece, ByteView answer) -> Result<std::optional<Bytes>> {
    if (answer.empty()) return kmip14::create(kmip14::application_data(first + piece));
    const bool got = kmip14::check_key(answer).has_value();
    if (got) return std::nullopt;
    auto id = TRY(kmip14::identifier_in(answer));
    return get ? std::optional(kmip14::get(id)) : std::nullopt;
  };
}

// The same in one message for each key.
Conversation pairs_created(std::uint64_t first) {
  return [first](unsigned piece, ByteView answer) -> Result<std::optional<Bytes>> {
    if (answer.empty()) return kmip14::create_and_get(kmip14::application_data(first + piece));
    TRY(kmip14::check_key(answer));
    return std::nullopt;
  };
}

// What an answer of that conversation looks like, for the echo: its first of one piece.
Bytes sample(KmipClient& client, const Conversation& conversation) {
  Bytes out;
  client.play(1, [&](unsigned piece, ByteView answer) -> Result<std::optional<Bytes>> {
    if (!answer.empty() && out.empty()) out = to_bytes(answer);
    return conversation(piece, answer);
  });
  return out;
}

class AgainstPyKmip {
 public:
  AgainstPyKmip() {
    site_.fill(kThousand);
    for (unsigned i = 0; i < kThousand; ++i) ours_.push_back(site_.id_of(i));
    theirs_.resize(kThousand);
    KmipClient maker(pykmip_.port(), trust_.client_context(), 1);
    maker.play(kThousand, [&](unsigned piece, ByteView answer) -> Result<std::optional<Bytes>> {
      if (answer.empty()) return kmip14::create(kmip14::application_data(piece));
      theirs_[piece] = TRY(kmip14::identifier_in(answer));
      return std::nullopt;
    });
  }

  void measure_reads(unsigned connections, Figures& figures) {
    KmipClient ours(site_.port(), trust_.client_context(), connections);
    compare(
        named("get", kThousand, connections), kPyKmipGoal, figures,
        [&] { return ours.play(kGets, gets(ours_)); },
        [&] { return at_theirs(connections).play(kSlowGets, gets(theirs_)); });
    compare(
        named("locate", kThousand, connections), kPyKmipGoal, figures,
        [&] { return ours.play(kGets, locates(ours_)); },
        [&] { return at_theirs(connections).play(std::max(kSlowLocates, connections), locates(theirs_)); });
  }

  // Leaves more than a thousand keys.
  void measure_creates(unsigned connections, Figures& figures) {
    KmipClient ours(site_.port(), trust_.client_context(), connections);
    for (const auto what : {Creation::kAlone, Creation::kThenGet, Creation::kBatch}) {
      const char* name = what == Creation::kAlone     ? "create"
                         : what == Creation::kThenGet ? "create-get"
                                                      : "create-get-batch";
      compare(
          named(name, kThousand, connections),
          what == Creation::kAlone ? std::nullopt : std::optional(kPyKmipPairGoal), figures,
          [&] {
            site_.make_ready(kCreates);
            return make(ours, kCreates, what);
          },
          [&] {
            auto theirs = at_theirs(connections);
            return make(theirs, kSlowCreates, what);
          });
    }
  }

 private:
  enum class Creation : std::uint8_t { kAlone, kThenGet, kBatch };

  static void compare(const std::string& name, std::optional<double> goal, Figures& figures,
                      const std::function<double()>& work, const std::function<double()>& yardstick) {
    const auto pair = measure_in_turn(kRounds, work, yardstick);
    figures.push_back({name, pair.value, "a second", pair.yardstick, goal});
  }
  KmipClient at_theirs(unsigned connections) {
    return {pykmip_.port(), trust_.client_context(), connections};
  }
  double make(KmipClient& client, unsigned keys, Creation what) {
    const auto first = next_;
    next_ += keys;
    return client.play(
        keys, what == Creation::kBatch ? pairs_created(first) : creates(first, what == Creation::kThenGet));
  }

  KmipTrust trust_;
  KmipSite site_{trust_};
  PyKmip pykmip_{trust_};
  std::vector<std::string> ours_;
  std::vector<std::string> theirs_;
  std::uint64_t next_ = kThousand;
};

Figures against_pykmip() {
  Figures figures;
  AgainstPyKmip both;
  for (const unsigned connections : {1U, 8U}) both.measure_reads(connections, figures);
  for (const unsigned connections : {1U, 8U}) both.measure_creates(connections, figures);
  return figures;
}

class AgainstEcho {
 public:
  explicit AgainstEcho(unsigned keys) : keys_(keys) {
    const double seconds = seconds_of([&] { site_.fill(keys); });
    std::fprintf(stderr, "  %u keys were put into the keystore in %.0f s\n", keys, seconds);
    for (unsigned i = 0; i < keys; ++i) ids_.push_back(site_.id_of(i));
  }

  void measure(unsigned connections, Figures& figures) {
    KmipClient ours(site_.port(), trust_.client_context(), connections);
    KmipClient theirs(echo_.port(), trust_.client_context(), connections);
    for (const bool locate : {false, true}) {
      const auto what = locate ? locates(ids_) : gets(ids_);
      echo_.set_answer(sample(ours, what));
      std::vector<double> milliseconds;
      for (auto& figure : compare_rates(
               named(locate ? "locate-echo" : "get-echo", keys_, connections), "a second", kEchoGoal, kRounds,
               kGets,
               [&] {
                 const double rate = ours.play(kGets, what);
                 milliseconds = ours.latencies();
                 return rate;
               },
               [&] { return theirs.play(kGets, echoed(what)); })) {
        figures.push_back(std::move(figure));
      }
      if (locate) {
        // Several at once wait for one another: then it is shown, not judged.
        const auto goal = connections == 1 ? std::optional(kLocateGoal) : std::nullopt;
        const auto slowest = percentile(milliseconds, 99);
        figures.push_back({named("locate-p99", keys_, connections), slowest, "ms", {}, goal, Better::kLower});
      }
    }
  }

  void measure_creates(Figures& figures) {
    KmipClient ours(site_.port(), trust_.client_context(), kInFlight);
    LoneCommits lone;
    const auto pair = measure_in_turn(
        kRounds,
        [&] {
          site_.make_ready(kCreates);
          next_ += kCreates;
          return ours.play(kCreates, creates(next_, false));
        },
        [&] { return lone.a_second(); });
    figures.push_back(
        {named("create", keys_, kInFlight), pair.value, "a second", pair.yardstick, kLoneCommitsGoal});
  }

 private:
  // The same messages, and any answer.
  static Conversation echoed(const Conversation& what) {
    return [&what](unsigned piece, ByteView answer) -> Result<std::optional<Bytes>> {
      if (answer.empty()) return what(piece, answer);
      (void)what(piece, answer);  // the client looks at it as it does at ours
      return std::nullopt;
    };
  }

  const unsigned keys_;
  KmipTrust trust_;
  KmipSite site_{trust_};
  KmipEcho echo_{trust_};
  std::vector<std::string> ids_;
  std::uint64_t next_ = 1ULL << 32U;
};

Figures against_echo(unsigned keys) {
  Figures figures;
  AgainstEcho both(keys);
  for (const unsigned connections : {1U, 8U}) both.measure(connections, figures);
  both.measure_creates(figures);
  return figures;
}

const Registrar kPyKmip("kmip-pykmip", "KMIP at 1,000 keys, 1 and 8 connections, against PyKMIP's server",
                        against_pykmip);
const Registrar kSmall("kmip-1k", "KMIP at 1,000 keys, against an echo with audit records",
                       [] { return against_echo(kThousand); });
const Registrar kMiddle("kmip-100k", "KMIP at 100,000 keys, against an echo with audit records",
                        [] { return against_echo(100 * kThousand); });
const Registrar kLarge("kmip-1m", "KMIP at 1,000,000 keys, against an echo with audit records",
                       [] { return against_echo(1000 * kThousand); });

}  // namespace
}  // namespace tapewarden::bench

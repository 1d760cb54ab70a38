// Measures named pieces of work against yardsticks taken in the same run, so that a figure means the same on
// any machine and however busy it is. A benchmark is a function that fills in figures; it registers itself:
//
//   const Registrar kSealing("record-sealing", "sealing of 256 KiB records", measure_record_sealing);
//
// Not thread-safe; a benchmark may use threads of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapewarden::bench {

enum class Better : std::uint8_t { kHigher, kLower };

// One line of the table.
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  std::optional<double> yardstick;  // in the same unit
  std::optional<double> goal;       // of value / yardstick; without a yardstick of the value itself
  Better better = Better::kHigher;  // whether the goal is a floor or a ceiling

  std::optional<double> ratio() const;
  // Nothing without a goal.
  std::optional<bool> met() const;
};

using Figures = std::vector<Figure>;

struct Benchmark {
  std::string name;
  std::string what;
  std::function<Figures()> run;
};

class Registrar {
 public:
  Registrar(std::string name, std::string what, std::function<Figures()> run);
};
const std::vector<Benchmark>& registered();

struct Pair {
  double value = 0;
  double yardstick = 0;
};
// Runs the two in turn `rounds` times, after one round of each that does not count, and gives the round whose
// ratio is the median. What slows the machine down for a while slows both of a round.
Pair measure_in_turn(unsigned rounds, const std::function<double()>& work,
                     const std::function<double()>& yardstick);
// As above for rates, with a second line: the processor time that each of `pieces` takes, all threads
// together, which other programs on the machine disturb least. A rate lower than that time allows is time
// spent waiting. `prepare`: before each round of the work, and no part of it; may be empty.
Figures compare_rates(const std::string& name, const std::string& unit, std::optional<double> goal,
                      unsigned rounds, unsigned pieces, const std::function<double()>& work,
                      const std::function<double()>& yardstick, const std::function<void()>& prepare = {});
// Seconds that `work` takes, by the wall clock.
double seconds_of(const std::function<void()>& work);
// REQUIRES: not empty.
double median(std::vector<double> values);

// The value below which `percent` of the values lie (nearest rank). REQUIRES: not empty.
double percentile(std::vector<double> values, double percent);

std::string as_table(const Figures& figures);
// [{"name","value","unit","yardstick","ratio","goal","met"}], null where there is none.
std::string as_json(const Figures& figures);

struct Arguments {
  std::vector<std::string> names;  // empty: all
  std::string json_path;           // empty: none
  bool list = false;
};
// Nothing when an argument is unknown; `error` then says which.
std::optional<Arguments> parse_arguments(const std::vector<std::string>& words,
                                         const std::vector<Benchmark>& benchmarks, std::string& error);

}  // namespace tapewarden::bench

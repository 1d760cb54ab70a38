#include "harness.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "base/assert.h"

namespace tapewarden::bench {
namespace {

std::vector<Benchmark>& registry() {
  static std::vector<Benchmark> benchmarks;
  return benchmarks;
}

std::string number(double value) {
  std::array<char, 64> text{};
  const int digits = std::abs(value) >= 1000 ? 0 : std::abs(value) >= 10 ? 1 : 3;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string exact(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return "null";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.6g", *value);
  return text.data();
}

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    TW_ASSERT(static_cast<unsigned char>(c) >= 0x20);  // names and units are literals
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string goal_text(const Figure& figure) {
  if (!figure.goal) return "";
  return (figure.better == Better::kHigher ? ">= " : "<= ") + number(*figure.goal);
}

std::string met_text(const Figure& figure) {
  const auto met = figure.met();
  return !met ? "" : *met ? "yes" : "NO";
}

}  // namespace

std::optional<double> Figure::ratio() const {
  if (!yardstick || *yardstick == 0) return std::nullopt;
  return value / *yardstick;
}

std::optional<bool> Figure::met() const {
  if (!goal) return std::nullopt;
  const auto judged = yardstick ? ratio() : std::optional<double>(value);
  if (!judged || !std::isfinite(*judged)) return false;
  return better == Better::kHigher ? *judged >= *goal : *judged <= *goal;
}

Registrar::Registrar(std::string name, std::string what, std::function<Figures()> run) {
  registry().push_back({std::move(name), std::move(what), std::move(run)});
}

const std::vector<Benchmark>& registered() {
  std::ranges::sort(registry(), {}, &Benchmark::name);
  return registry();
}

double median(std::vector<double> values) {
  TW_ASSERT(!values.empty());
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentile(std::vector<double> values, double percent) {
  TW_ASSERT(!values.empty() && percent > 0 && percent <= 100);
  std::ranges::sort(values);
  const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

double seconds_of(const std::function<void()>& work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

Pair measure_in_turn(unsigned rounds, const std::function<double()>& work,
                     const std::function<double()>& yardstick) {
  TW_ASSERT(rounds > 0);
  static_cast<void>(work());
  static_cast<void>(yardstick());
  std::vector<Pair> pairs;
  for (unsigned round = 0; round < rounds; ++round) {
    const double value = work();
    pairs.push_back({value, yardstick()});
  }
  const auto middle = pairs.begin() + (rounds - 1) / 2;
  std::ranges::nth_element(pairs, middle, [](const Pair& one, const Pair& other) {
    return one.value * other.yardstick < other.value * one.yardstick;
  });
  return *middle;
}

namespace {

// Microseconds of processor time a piece.
class ProcessorTime {
 public:
  double of(unsigned pieces, const std::function<double()>& work) {
    const std::clock_t before = std::clock();
    const double rate = work();
    values_.push_back(1e6 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC / pieces);
    return rate;
  }
  double typical() const { return median(values_); }

 private:
  std::vector<double> values_;
};

}  // namespace

Figures compare_rates(const std::string& name, const std::string& unit, std::optional<double> goal,
                      unsigned rounds, unsigned pieces, const std::function<double()>& work,
                      const std::function<double()>& yardstick, const std::function<void()>& prepare) {
  ProcessorTime of_work, of_yardstick;
  const auto prepared = [&] {
    if (prepare) prepare();
    return of_work.of(pieces, work);
  };
  const auto pair = measure_in_turn(rounds, prepared, [&] { return of_yardstick.of(pieces, yardstick); });
  return {{name, pair.value, unit, pair.yardstick, goal},
          {name + "-processor", of_work.typical(), "us", of_yardstick.typical(), {}, Better::kLower}};
}

std::string as_table(const Figures& figures) {
  using Row = std::array<std::string, 7>;
  std::vector<Row> rows{{"name", "value", "unit", "yardstick", "ratio", "goal", "met"}};
  for (const auto& figure : figures)
    rows.push_back({figure.name, number(figure.value), figure.unit,
                    figure.yardstick ? number(*figure.yardstick) : "",
                    figure.ratio() ? number(*figure.ratio()) : "", goal_text(figure), met_text(figure)});
  std::array<std::size_t, 7> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blanks(widths[i] - row[i].size(), ' ');
      const bool is_number = i == 1 || i == 3 || i == 4;
      line += (is_number ? blanks + row[i] : row[i] + blanks) + "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string as_json(const Figures& figures) {
  std::string out = "[";
  for (const auto& figure : figures) {
    if (out.size() > 1) out += ",";
    const auto met = figure.met();
    out += "\n  {\"name\": " + json_quoted(figure.name) + ", \"value\": " + exact(figure.value) +
           ", \"unit\": " + json_quoted(figure.unit) + ", \"yardstick\": " + exact(figure.yardstick) +
           ", \"ratio\": " + exact(figure.ratio()) + ", \"goal\": " + exact(figure.goal) + ", \"met\": " +
           (!met   ? "null"
            : *met ? "true"
                   : "false") +
           "}";
  }
  return out + "\n]\n";
}

std::optional<Arguments> parse_arguments(const std::vector<std::string>& words,
                                         const std::vector<Benchmark>& benchmarks, std::string& error) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--list") {
      arguments.list = true;
    } else if (words[i] == "--json") {
      if (++i == words.size()) {
        error = "--json needs the name of a file";
        return std::nullopt;
      }
      arguments.json_path = words[i];
    } else if (std::ranges::find(benchmarks, words[i], &Benchmark::name) != benchmarks.end()) {
      arguments.names.push_back(words[i]);
    } else {
      error = "unknown benchmark '" + words[i] + "' (--list shows them)";
      return std::nullopt;
    }
  }
  return arguments;
}

}  // namespace tapewarden::bench

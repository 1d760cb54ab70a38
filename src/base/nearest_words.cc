#include "base/nearest_words.h"

#include <algorithm>

#include "base/text.h"

namespace tapewarden {

namespace {

constexpr std::size_t kLongestWord = 64;  // what is longer is no slip of a known word

// Letters changed, left out, put in, or exchanged with their neighbour.
std::size_t slips_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      const std::size_t other = a[i - 1] == b[j - 1] ? 0 : 1;
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + other});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

std::string nearest_words(std::string_view word, const std::vector<std::string>& known) {
  std::size_t best = std::max<std::size_t>(1, word.size() / 3);
  std::string near;
  std::string all;
  for (const std::string& one : known) {
    all += (all.empty() ? "" : ", ") + one;
    if (word.size() > kLongestWord || one.size() > kLongestWord) continue;
    const std::size_t slips = slips_between(to_lower(word), one);
    if (slips > best) continue;
    if (slips < best) near.clear();
    best = slips;
    near += (near.empty() ? "" : " or ") + one;
  }
  return near.empty() ? "use one of: " + all : "did you mean " + near + "?";
}

}  // namespace tapewarden

#include "engine/catalogue/label_text.h"

namespace tapewarden::engine {

std::string text_of(const std::array<KeyLabel, 2>& labels) {
  std::string out;
  for (const auto& label : labels)
    if (!label.text.empty())
      out += (out.empty() ? "" : ", ") + label.text + " (" + std::string(to_string(label.mode)) + ")";
  return out.empty() ? "those that the key server chose" : out;
}

}  // namespace tapewarden::engine

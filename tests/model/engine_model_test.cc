// 100,000 random actions in ten seeds. TAPEWARDEN_MODEL_SEED and TAPEWARDEN_MODEL_STEPS replay one run;
// TAPEWARDEN_MODEL_SHOW tells what is where at each time of quiet.
#include "engine_model.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>

namespace tapewarden::engine::test {
namespace {

std::size_t number_from(const char* variable, std::size_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(EngineModel, T5_NothingIsLostWhateverHappens) {
  const auto only = number_from("TAPEWARDEN_MODEL_SEED", 0);
  const auto steps = number_from("TAPEWARDEN_MODEL_STEPS", 10'000);
  const bool show = std::getenv("TAPEWARDEN_MODEL_SHOW") != nullptr;
  const std::uint64_t first = only == 0 ? 1 : only;
  const std::uint64_t last = only == 0 ? 10 : only;
  for (auto seed = first; seed <= last && !HasFailure(); ++seed) {
    SCOPED_TRACE("TAPEWARDEN_MODEL_SEED=" + std::to_string(seed));
    std::cout << "seed " << seed << "\n";
    try {
      EngineModel(seed, steps, show).run();
    } catch (const std::exception& fault) {
      ADD_FAILURE() << fault.what();
    }
  }
}

}  // namespace
}  // namespace tapewarden::engine::test

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension Float {
  public static func exponential(_ value: Float) -> Float { expf(value) }
  public var logarithm: Float { logf(self) }
}

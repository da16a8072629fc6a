# cython: language_level=3, boundscheck=True, wraparound=False
"""The walk over conditions and values in C, which touches no Python object. See `cext/reference/conditions.py`."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint64_t

from cext._kernel_arithmetic cimport add_overflows, floor_divide, modulo, multiply_overflows, subtract_overflows
from cext._kernel_table cimport (
    ADD,
    FLOOR_DIVIDE,
    MULTIPLY,
    NEGATE,
    PUSH_CONSTANT,
    PUSH_FACT,
    RANGE,
    STACK_EQ,
    STACK_GE,
    STACK_GT,
    STACK_LE,
    STACK_LT,
    STACK_MAX,
    STACK_NE,
    SUBTRACT,
    TARGET_FALSE,
    Instruction,
    Value,
)


cdef inline bint calculate(int8_t opcode, int64_t *top, int64_t right) noexcept nogil:
    """`top` becomes `top opcode right`; False on a fault."""
    if opcode == ADD:
        return not add_overflows(top[0], right, top)
    if opcode == SUBTRACT:
        return not subtract_overflows(top[0], right, top)
    if opcode == MULTIPLY:
        return not multiply_overflows(top[0], right, top)
    if right == 0:
        return False
    if right == -1:
        if opcode == FLOOR_DIVIDE:
            return not subtract_overflows(0, top[0], top)
        top[0] = 0
        return True
    top[0] = floor_divide(top[0], right) if opcode == FLOOR_DIVIDE else modulo(top[0], right)
    return True


cdef inline bint walk(
    const Instruction *code, int32_t start, int32_t end, const int64_t *facts, int64_t *stack
) noexcept nogil:
    """Whether the end is reached: no comparison made the condition false, and there was no fault."""
    cdef int32_t depth = 0
    cdef const Instruction *at = code + start
    cdef const Instruction *stop = code + end
    cdef int8_t opcode
    cdef bint held
    while at < stop:
        opcode = at.opcode
        if opcode == RANGE:
            held = (<uint64_t>facts[at.fact] - at.low <= at.span) != at.inverted
        elif opcode <= STACK_GE:
            depth -= 2
            if opcode == STACK_EQ:
                held = stack[depth] == stack[depth + 1]
            elif opcode == STACK_NE:
                held = stack[depth] != stack[depth + 1]
            elif opcode == STACK_LT:
                held = stack[depth] < stack[depth + 1]
            elif opcode == STACK_LE:
                held = stack[depth] <= stack[depth + 1]
            elif opcode == STACK_GT:
                held = stack[depth] > stack[depth + 1]
            else:
                held = stack[depth] >= stack[depth + 1]
        else:
            if opcode == PUSH_FACT:
                stack[depth] = facts[at.fact]
                depth += 1
            elif opcode == PUSH_CONSTANT:
                stack[depth] = <int64_t>at.low
                depth += 1
            elif opcode == NEGATE:
                if subtract_overflows(0, stack[depth - 1], &stack[depth - 1]):
                    return False
            else:
                depth -= 1
                if not calculate(opcode, &stack[depth - 1], stack[depth]):
                    return False
            at += 1
            continue
        if held:
            at += 1
        elif at.target == TARGET_FALSE:
            return False
        else:
            at = code + at.target
    return True


cdef inline bint holds(
    const Instruction *code, int32_t start, int32_t end, const int64_t *facts
) noexcept nogil:
    """Walk one condition; a fault is false."""
    cdef int64_t stack[STACK_MAX]
    return walk(code, start, end, facts, stack)


cdef inline bint work_out(
    const Instruction *code, const Value *value, const int64_t *facts, int64_t *result
) noexcept nogil:
    """The number that a value's code leaves; False on a fault."""
    cdef int64_t stack[STACK_MAX]
    if not walk(code, value.start, value.end, facts, stack):
        return False
    result[0] = stack[0]
    return True

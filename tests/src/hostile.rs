//! Files that nobody means well with: components that misbehave, and those that wear out who reads them.

use wasm_encoder::{
    BlockType, CodeSection, Component, ComponentExportKind, ComponentExportSection, ComponentTypeSection,
    ComponentValType, DataCountSection, DataSection, Function, FunctionSection, Instruction, MemorySection,
    MemoryType, Module, ModuleSection, NestedComponentSection, PrimitiveValType, TypeSection, ValType,
};

use crate::{artifact, wasm};

/// The test plugin `hostile`, with another word in it.
pub fn describing(mode: &str) -> Vec<u8> {
    const LETTERS: usize = 10;
    assert!(mode.len() <= LETTERS, "{mode:?} fits into the file");
    let plain = format!("BUSBAR-HOSTILE-{:-<LETTERS$}", "plain");
    wasm::replaced(&artifact::service("hostile"), &plain, &format!("BUSBAR-HOSTILE-{mode:-<LETTERS$}"))
}

/// A component around core modules, which are compiled whether anybody uses them or not.
fn around(modules: &[Module]) -> Vec<u8> {
    let mut component = Component::new();
    for module in modules {
        component.section(&ModuleSection(module));
    }
    component.finish()
}

fn module_of(functions: &[Function]) -> Module {
    let (mut types, mut declared, mut code) =
        (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    for function in functions {
        declared.function(0);
        code.function(function);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    module
}

/// Keeps a compiler busy: each of `locals` variables lives through each of `loops` loops, which stand within each
/// other. What the compiler has to keep track of is the product of both.
pub fn compiler_bomb(functions: u32, loops: u32, locals: u32) -> Vec<u8> {
    let one = || {
        let mut function = Function::new([(locals, ValType::I32)]);
        for _ in 0..loops {
            function.instruction(&Instruction::Loop(BlockType::Empty));
        }
        for local in 0..locals {
            function.instruction(&Instruction::LocalGet(local));
            function.instruction(&Instruction::LocalGet((local * 7 + 3) % locals));
            function.instruction(&Instruction::I32Add);
            function.instruction(&Instruction::LocalSet(local));
        }
        for level in 0..loops {
            function.instruction(&Instruction::LocalGet(level % locals));
            function.instruction(&Instruction::BrIf(0));
            function.instruction(&Instruction::End);
        }
        function.instruction(&Instruction::End);
        function
    };
    around(&[module_of(&(0..functions).map(|_| one()).collect::<Vec<_>>())])
}

/// One function that jumps to any of many places, again and again.
pub fn jump_tables(tables: u32, targets: u32) -> Vec<u8> {
    let mut function = Function::new([(1, ValType::I32)]);
    for _ in 0..targets {
        function.instruction(&Instruction::Block(BlockType::Empty));
    }
    for table in 0..tables {
        let places: Vec<u32> = (0..targets).map(|place| (place * 31 + table) % targets).collect();
        function.instruction(&Instruction::Block(BlockType::Empty));
        function.instruction(&Instruction::LocalGet(0));
        function.instruction(&Instruction::BrTable(places.into(), 0));
        function.instruction(&Instruction::End);
    }
    for _ in 0..=targets {
        function.instruction(&Instruction::End);
    }
    around(&[module_of(&[function])])
}

/// So many functions that each is nothing much.
pub fn small_functions(number: usize) -> Vec<u8> {
    let mut function = Function::new([]);
    function.instruction(&Instruction::End);
    around(&[module_of(&vec![function; number])])
}

/// Components within each other.
pub fn nested(levels: usize) -> Vec<u8> {
    let mut inner = Component::new();
    for _ in 0..levels {
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&inner));
        inner = outer;
    }
    inner.finish()
}

/// Types that each consist of two of the one before: written small, endless when written out.
pub fn doubling_types(levels: u32) -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    types.defined_type().primitive(PrimitiveValType::U8);
    for level in 0..levels {
        let below = ComponentValType::Type(level);
        types.defined_type().tuple([below, below]);
    }
    let mut component = Component::new();
    component.section(&types);
    component.finish()
}

/// Exports one module under many names.
pub fn exports(number: u32) -> Vec<u8> {
    let mut names = ComponentExportSection::new();
    for at in 0..number {
        names.export(format!("export-number-{at}"), ComponentExportKind::Module, 0, None);
    }
    let mut component = Component::new();
    component.section(&ModuleSection(&Module::new())).section(&names);
    component.finish()
}

/// A module with a large piece of data and a memory of as much as there can be.
pub fn large_data(bytes: usize) -> Vec<u8> {
    let mut memories = MemorySection::new();
    let all =
        MemoryType { minimum: 65_536, maximum: None, memory64: false, shared: false, page_size_log2: None };
    memories.memory(all);
    let mut data = DataSection::new();
    data.passive(vec![7; bytes]);
    let mut module = Module::new();
    module.section(&memories).section(&DataCountSection { count: 1 }).section(&data);
    around(&[module])
}

/// Very many modules.
pub fn modules(number: usize) -> Vec<u8> {
    around(&vec![Module::new(); number])
}

/// A file that is changed in a few places, the same for the same `seed`: bytes, or a piece that is missing or is
/// there twice.
pub fn mutated(original: &[u8], seed: u64) -> Vec<u8> {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut bytes = original.to_vec();
    for _ in 0..=chance.below(4) {
        // Where structure is, which is little, things are more interesting than in machine code and data.
        let reach = if chance.below(2) == 0 { 4_096.min(bytes.len()) } else { bytes.len() };
        let from_end = chance.below(2) == 0;
        let at = chance.below(reach);
        let at = if from_end { bytes.len() - 1 - at } else { at };
        match chance.below(4) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][chance.below(5)],
            2 => drop(bytes.drain(at..(at + 1 + chance.below(16)).min(bytes.len()))),
            _ => {
                let piece = bytes[at..(at + 1 + chance.below(16)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Numbers that look random.
struct Chance(u64);

impl Chance {
    /// xorshift64.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(usize::MAX) % limit
    }
}

#[cfg(test)]
mod tests {
    use super::{compiler_bomb, exports, mutated, nested};

    #[test]
    fn files_begin_as_components_do() {
        for file in [compiler_bomb(1, 2, 3), exports(3), nested(3)] {
            assert!(file.starts_with(crate::wasm::EMPTY_COMPONENT));
        }
    }

    #[test]
    fn a_seed_tells_all() {
        let original: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        assert_eq!(mutated(&original, 7), mutated(&original, 7));
        let different = (0..50).filter(|seed| mutated(&original, *seed) != original).count();
        assert!(different > 45, "{different}");
    }
}
